import type { ReplicaReport, ServiceReport, Side, Timings } from '../../core/report/report.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import type { ServicePlan, SlotPlan } from '../../core/report/status.ts';
import type { ServiceUpdate, UpdateReport } from '../../core/update/update.ts';

/** The result of a request. */
export type Result =
  | { readonly kind: 'rolls'; readonly reports: readonly ServiceReport[] }
  | { readonly kind: 'plans'; readonly plans: readonly ServicePlan[] }
  | { readonly kind: 'updates'; readonly update: UpdateReport }
  | { readonly kind: 'raised'; readonly error: ReportedError };

/** One line of the table: service, from, to, strategy, duration, reason. */
export interface Row {
  readonly service: string;
  readonly tone: 'good' | 'plain' | 'changed' | 'bad';
  readonly outcome: string;
  readonly from?: Image | undefined;
  readonly to?: Image | undefined;
  readonly strategy?: string | undefined;
  readonly timings?: Timings | undefined;
  readonly why?: string | undefined;
  readonly error?: ReportedError | undefined;
  /** The steps of a plan. */
  readonly steps?: readonly string[];
}

type Image = { readonly image: string; readonly digest?: string | undefined };

/** The table of a result. */
export function rowsOf(result: Result): Row[] {
  switch (result.kind) {
    case 'rolls':
      return result.reports.flatMap(rowsOfRoll);
    case 'plans':
      return result.plans.flatMap((plan) => plan.slots.map((slot) => rowOfPlan(plan, slot)));
    case 'updates':
      return result.update.services.flatMap(rowsOfUpdate);
    case 'raised':
      return [];
  }
}

/** All errors, without duplicates. */
export function errorsOf(result: Result): { readonly what: string; readonly error: ReportedError }[] {
  if (result.kind === 'raised') return [{ what: 'swapctl', error: result.error }];
  const all = rowsOf(result).flatMap(({ service, error }) => (error ? [{ what: service, error }] : []));
  return all.filter(({ error }, at) => all.findIndex((other) => other.error.message === error.message) === at);
}

/** One word for all results: the gravest, else that something was changed. */
export function outcomeOf(result: Result): 'rolled' | 'unchanged' | 'rolled-back' | 'planned' | 'failed' {
  // A finished roll may leave work for the user.
  const reports = result.kind === 'rolls' ? result.reports : undefined;
  const concerns = reports ? reports.flatMap(({ error }) => (error ? [error] : [])) : errorsOf(result);
  if (concerns.length > 0) return 'failed';
  if (result.kind === 'plans') return 'planned';
  const outcomes = reports?.map(({ outcome }) => outcome) ?? rowsOf(result).map(updated);
  return (['failed', 'rolled-back', 'rolled'] as const).find((one) => outcomes.includes(one)) ?? 'unchanged';
}

/** The document that `swapctl --json` prints for the same. */
export function documentOf(result: Result): unknown {
  switch (result.kind) {
    case 'rolls':
      return result.reports.length === 1 ? result.reports[0] : result.reports;
    case 'plans':
      return result.plans.length === 1 ? result.plans[0] : result.plans;
    case 'updates':
      return result.update;
    case 'raised':
      return { error: result.error };
  }
}

function updated({ tone }: Row): 'rolled' | 'unchanged' {
  return tone === 'changed' ? 'rolled' : 'unchanged';
}

const TONES = { rolled: 'changed', unchanged: 'plain', 'rolled-back': 'changed', failed: 'bad' } as const;

function rowsOfRoll(report: ServiceReport): Row[] {
  const replicas = report.replicas?.map((replica) => rowOfRoll(replica.slot, replica)) ?? [];
  return replicas.length > 0 ? replicas : [rowOfRoll(report.service, report)];
}

function rowOfRoll(service: string, report: Omit<ReplicaReport, 'slot'>): Row {
  const { outcome, from, to, strategy, timings, because: why, attention } = report;
  const error = report.error ?? attention?.[0];
  const tone = error ? 'bad' : TONES[outcome];
  return {
    service,
    tone,
    outcome: outcome === 'rolled-back' ? 'rolled back' : outcome,
    from,
    to: wentTo(from, to),
    strategy,
    timings,
    why,
    error,
  };
}

function wentTo(from: Side | undefined, to: Side | undefined): Side | undefined {
  return to && to.container !== from?.container ? to : undefined;
}

const VERDICTS = {
  roll: ['good', 'would be rolled'],
  unchanged: ['plain', 'runs it already'],
  fetch: ['good', 'would be rolled, if the image is another one'],
  refused: ['bad', 'refused'],
} as const;

function rowOfPlan({ service, image, digest, slots }: ServicePlan, slot: SlotPlan): Row {
  const [tone, outcome] = VERDICTS[slot.verdict];
  const { strategy, because: why, steps, error } = slot;
  return {
    service: slots.length > 1 ? slot.slot : service,
    tone,
    outcome,
    to: { image, digest },
    strategy,
    why,
    steps,
    error,
  };
}

function rowsOfUpdate({ service, outcome, from, to, because, report, error }: ServiceUpdate): Row[] {
  if (report) return rowsOfRoll({ ...report, service });
  const after = to && { image: to.reference, digest: to.digest };
  return [
    {
      service,
      tone: error ? 'bad' : outcome === 'available' ? 'good' : 'plain',
      outcome,
      from,
      to: after,
      why: because,
      error,
    },
  ];
}
