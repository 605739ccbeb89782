import type { ServiceReport } from '../report/report.ts';
import type { ReportedError } from '../report/reported-error.ts';
import type { Policy } from '../settings/policy.ts';
import { formatDuration } from '../text/duration.ts';
import { mayRoll, type RollFacts } from './may-roll.ts';
import type { Checked } from './newer.ts';
import type { Schedule } from './schedule.ts';

/**
 * The outcome of a service in a run of updates. `available`: an update exists and was only reported; `waiting`: it is to be
 * rolled later; `held`: it is not rolled unattended; `skipped`: it can't be rolled; `unknown`: the check failed.
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
  /** In a dry run: it would be rolled now. */
  readonly due?: true;
  /** The end of the wait, if waiting helps. ISO 8601. */
  readonly until?: string;
  /** The report of its roll. */
  readonly report?: ServiceReport;
  readonly error?: ReportedError;
}

/** The result of a run of updates (a contract: scripts rely on it). */
export interface UpdateReport {
  /** The time of the registry checks. ISO 8601. */
  readonly checked: string;
  readonly services: readonly ServiceUpdate[];
}

/** The next scheduled check of a service; or why there is none although the user enabled it. */
export type ScheduledCheck =
  | {
      readonly service: string;
      readonly schedule: Schedule;
      /** All services that it depends on, by their keys. */
      readonly dependsOn: readonly string[];
      readonly line?: undefined;
    }
  | { readonly service: string; readonly line: ServiceUpdate };

/** A line that is final; undefined for an available update, which may be rolled. */
export function settledLine({ outcome, held: _, ...checked }: Checked): ServiceUpdate | undefined {
  return outcome === 'available' && checked.to ? undefined : { ...checked, outcome };
}

/** Why an available update must wait; undefined if it may be rolled now. `now` and the facts are of one clock. */
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

// Reproducible builds write a time from before Docker's first release.
const FIRST_IMAGES = Date.UTC(2013, 2, 20);

/** The build time of an image, in milliseconds since the epoch, if it is given and plausible. */
export function builtAt(created: string | undefined): number | undefined {
  const built = Date.parse(created ?? '');
  return built >= FIRST_IMAGES ? built : undefined;
}

/** A line about an image with a minimum age, if its age is unknown and no first sight is recorded. */
export function agelessLine(line: ServiceUpdate, { minAgeMs }: Pick<Policy, 'minAgeMs'>): ServiceUpdate {
  if (minAgeMs === 0 || line.outcome !== 'waiting') return line;
  const { until: _, ...rest } = line;
  const because = `min-age asks for images that are ${formatDuration(minAgeMs)} old, and its registry does not report its age`;
  return { ...rest, because };
}

/** The line of a finished roll. */
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
  // Another process recorded the failure after the check.
  if (error.code === 'known-bad') return { ...line, outcome: 'held', because: error.message, report };
  return { ...line, outcome: error.code === 'busy' ? 'waiting' : 'failed', because: error.message, report, error };
}

/** The reason for dependents not to go on; undefined if they may. */
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
