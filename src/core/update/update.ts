import type { ServiceReport } from '../report/report.ts';
import type { ReportedError } from '../report/reported-error.ts';
import type { Policy } from '../settings/policy.ts';
import { formatDuration } from '../text/duration.ts';
import { mayRoll, type RollFacts } from './may-roll.ts';
import type { Checked } from './newer.ts';
import type { Schedule } from './schedule.ts';

/**
 * What became of a service in a run of updates. `available`: something newer is there and was only told; `waiting`: it is to
 * be rolled later; `held`: it is not to be rolled by itself; `skipped`: it can't be; `unknown`: it could not be told.
 */
export type UpdateOutcome = 'updated' | 'current' | 'available' | 'held' | 'waiting' | 'skipped' | 'failed' | 'unknown';

/** One service of a run of updates. */
export interface ServiceUpdate {
  readonly service: string;
  readonly outcome: UpdateOutcome;
  readonly from?: Checked['from'];
  readonly to?: Checked['to'];
  /** One sentence. */
  readonly because: string;
  /** Of a dry run: it would be rolled now. */
  readonly due?: true;
  /** Until when it waits, where waiting helps. ISO 8601. */
  readonly until?: string;
  /** What came of its roll. */
  readonly report?: ServiceReport;
  readonly error?: ReportedError;
}

/** What became of a run of updates (a contract: scripts rely on it). */
export interface UpdateReport {
  /** When registries were asked. ISO 8601. */
  readonly checked: string;
  readonly services: readonly ServiceUpdate[];
}

/** A service that is checked by itself, and when; or why not, where somebody meant that. */
export type Appointment =
  | {
      readonly service: string;
      readonly schedule: Schedule;
      /** All services that it depends on, by their keys. */
      readonly dependsOn: readonly string[];
      readonly line?: undefined;
    }
  | { readonly service: string; readonly line: ServiceUpdate };

/** A line that is final as it is; undefined for what is available, and so may be rolled. */
export function settledLine({ outcome, held: _, ...checked }: Checked): ServiceUpdate | undefined {
  return outcome === 'available' && checked.to ? undefined : { ...checked, outcome };
}

/**
 * Why what is available is not to be rolled now; undefined if it may be. `now` and the facts are of one clock.
 */
export function waitingLine(
  checked: Checked,
  policy: Policy,
  facts: RollFacts,
  now: number,
): ServiceUpdate | undefined {
  const { service, from, to } = checked;
  const may = mayRoll(policy, facts, now);
  if (may.now) return undefined;
  const line = { service, from, ...(to ? { to } : {}), because: may.because };
  if (policy.monitorOnly) return { ...line, outcome: 'available' };
  return { ...line, outcome: 'waiting', ...(may.until === undefined ? {} : { until: isoOf(may.until) }) };
}

// Before Docker's first release there were no images: builds that are to be the same every time write down some such time.
const FIRST_IMAGES = Date.UTC(2013, 2, 20);

/** When an image was built, in milliseconds since the epoch, where that is told and can be. */
export function builtAt(created: string | undefined): number | undefined {
  const built = Date.parse(created ?? '');
  return built >= FIRST_IMAGES ? built : undefined;
}

/** A line about an image that has to be of some age, where that can't be told and nobody remembers when it was seen first. */
export function agelessLine(line: ServiceUpdate, { minAgeMs }: Pick<Policy, 'minAgeMs'>): ServiceUpdate {
  if (minAgeMs === 0 || line.outcome !== 'waiting') return line;
  const { until: _, ...rest } = line;
  const because = `min-age asks for images that are ${formatDuration(minAgeMs)} old, and its registry does not tell how old it is`;
  return { ...rest, because };
}

/** What a roll came to. */
export function rolledLine(checked: Checked, report: ServiceReport): ServiceUpdate {
  const { service, from, to } = checked;
  const line = { service, from, ...(to ? { to } : {}) };
  const { error } = report;
  if (!error && report.outcome === 'unchanged')
    return { ...line, outcome: 'current', because: 'it already runs that image', report };
  if (!error) {
    const [concern] = report.attention ?? [];
    const because = [rolledBecause(report), ...(concern ? [concern.message] : [])].join('; ');
    return { ...line, outcome: 'updated', because, report, ...(concern && { error: concern }) };
  }
  // Somebody else's memory of it is younger than the check.
  if (error.code === 'known-bad') return { ...line, outcome: 'held', because: error.message, report };
  return { ...line, outcome: error.code === 'busy' ? 'waiting' : 'failed', because: error.message, report, error };
}

/** What is to be said of a service to those that hang on it; undefined where they may go on. */
export function stopsOthers({ outcome, error }: ServiceUpdate): string | undefined {
  if (outcome === 'held') return 'whose newest image failed here';
  if (error === undefined || outcome === 'updated') return undefined;
  if (error.code === 'busy') return 'which another process is rolling';
  return error.code === 'interrupted' ? 'whose roll was interrupted' : 'whose roll failed';
}

function rolledBecause({ strategy, timings }: ServiceReport): string {
  return `rolled${strategy ? ` ${strategy}` : ''} in ${formatDuration(timings.total)}`;
}

function isoOf(at: number): string {
  return new Date(at).toISOString();
}
