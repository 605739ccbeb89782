import type { DescEnum } from '@bufbuild/protobuf';
import { JobKind, JobKindSchema, JobState, JobStateSchema } from '#proto/swapctl/v1/job_pb';
import { Outcome, OutcomeSchema } from '#proto/swapctl/v1/report_pb';
import { PullPolicy, PullPolicySchema, ResyncReason, ResyncReasonSchema } from '#proto/swapctl/v1/roll_service_pb';
import {
  HistoryEvent,
  HistoryEventSchema,
  Phase,
  PhaseSchema,
  SettingSource,
  SettingSourceSchema,
  Verdict,
  VerdictSchema,
} from '#proto/swapctl/v1/status_pb';
import {
  CheckOutcome,
  CheckOutcomeSchema,
  HeldReason,
  HeldReasonSchema,
  UpdateOutcome,
  UpdateOutcomeSchema,
} from '#proto/swapctl/v1/update_pb';
import type { Job } from '../../../app/jobs/job.ts';
import type { PullPolicy as Pull } from '../../../core/model/image.ts';
import type { ServiceHistory, SlotPlan, Phase as StatusPhase } from '../../../core/report/status.ts';
import type { Explained } from '../../../core/settings/read.ts';
import type { Checked } from '../../../core/update/newer.ts';
import type { ServiceUpdate } from '../../../core/update/update.ts';
import type { Missed } from '../operations/event-hub.ts';

type Kebab<S extends string> = S extends `${infer A}_${infer B}` ? `${Lowercase<A>}-${Kebab<B>}` : Lowercase<S>;
type Numbers = Readonly<Record<string, number>>;
/** Compiles only if every word has a number. */
type Whole<W extends string, E extends Numbers> = [Exclude<W, Kebab<keyof E & string>>] extends [never]
  ? unknown
  : { readonly missing: Exclude<W, Kebab<keyof E & string>> };

function words<W extends string>() {
  return <const E extends Numbers>(desc: DescEnum, numbers: E & Whole<W, E>) => {
    const pairs = Object.entries<number>(numbers).filter(([, number]) => number !== 0);
    return [desc.typeName, pairs.map(([name, number]) => [kebab(name), number] as const)] as const;
  };
}

// The words of the command line's JSON, and their numbers; complete by type.
const WORDS = new Map([
  words<Job['kind']>()(JobKindSchema, JobKind),
  words<Job['state']>()(JobStateSchema, JobState),
  words<NonNullable<Job['outcome']>>()(OutcomeSchema, Outcome),
  words<Exclude<Pull, 'auto'>>()(PullPolicySchema, PullPolicy),
  words<Extract<Missed, { resync: string }>['resync']>()(ResyncReasonSchema, ResyncReason),
  words<StatusPhase>()(PhaseSchema, Phase),
  words<SlotPlan['verdict']>()(VerdictSchema, Verdict),
  words<Explained['source']>()(SettingSourceSchema, SettingSource),
  words<ServiceHistory['entries'][number]['event']>()(HistoryEventSchema, HistoryEvent),
  words<Checked['outcome']>()(CheckOutcomeSchema, CheckOutcome),
  words<NonNullable<Checked['held']>>()(HeldReasonSchema, HeldReason),
  words<ServiceUpdate['outcome']>()(UpdateOutcomeSchema, UpdateOutcome),
]);

/** The number of a word; 0 for one that is not known. */
export function numberOf({ typeName }: DescEnum, word: string): number {
  return WORDS.get(typeName)?.find(([one]) => one === word)?.[1] ?? 0;
}

/** The word of a number; a number from a newer client is returned as text. */
export function wordOf({ typeName }: DescEnum, number: number): string {
  return WORDS.get(typeName)?.find(([, one]) => one === number)?.[0] ?? String(number);
}

function kebab(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
