import { readReference } from '../model/reference.ts';
import type { Progress } from '../report/progress.ts';
import type { ReplicaReport, ServiceReport, Timings } from '../report/report.ts';
import type { Checked } from '../update/newer.ts';
import type { ServiceUpdate, UpdateOutcome, UpdateReport } from '../update/update.ts';
import type { Metrics } from './metrics.ts';

/** The origin of a roll. */
export type Trigger = 'schedule' | 'api' | 'hook' | 'cli' | 'dev';

/** The states of a service in `swapctl_service_update_state`. */
const STATES = ['current', 'available', 'waiting', 'held', 'failed', 'unknown'] as const;
type State = (typeof STATES)[number];
const STATE_OF: Readonly<Record<UpdateOutcome, State | undefined>> = {
  updated: 'current',
  current: 'current',
  available: 'available',
  waiting: 'waiting',
  held: 'held',
  failed: 'failed',
  unknown: 'unknown',
  // Another program owns the service, so it has no state here.
  skipped: undefined,
};
const NO_STRATEGY = 'none';

/** Records the start of a roll. */
export function recordRollStart(metrics: Metrics, service: string): void {
  metrics.set('swapctl_roll_in_progress', { service }, 1);
}

/** The report of a roll; without timings for one that another process began. */
type RollReport = Omit<ServiceReport, 'timings'> & Partial<Pick<ServiceReport, 'timings'>>;

/** Records the report of a roll or rollback; `at` is its end, in milliseconds since the epoch. */
export function recordRoll(metrics: Metrics, report: RollReport, trigger: Trigger, at: number): void {
  const { service, strategy = NO_STRATEGY, outcome, timings } = report;
  metrics.set('swapctl_roll_in_progress', { service }, 0);
  metrics.add('swapctl_rolls_total', { service, strategy, outcome, trigger });
  if (outcome === 'unchanged' && !report.error) return;
  if (timings) {
    metrics.observe('swapctl_roll_duration_seconds', { strategy, outcome }, timings.total / 1000);
    recordPhases(metrics, timings);
  }
  const replicas: readonly Omit<ReplicaReport, 'slot' | 'timings'>[] = report.replicas ?? [report];
  for (const replica of replicas) recordReplica(metrics, service, replica);
  recordEnd(metrics, report, at);
}

/** Records the results of a check; `at` is its end, in milliseconds since the epoch. */
export function recordChecks(metrics: Metrics, checked: readonly Checked[], at: number): void {
  for (const { service, outcome, from, to } of checked) {
    metrics.add('swapctl_checks_total', { registry: registryOf(to?.reference ?? from.image), outcome });
    recordState(metrics, service, outcome, at);
  }
}

/** Records a question to a registry. */
export function recordAsked(metrics: Metrics, progress: Progress): void {
  if (progress.kind !== 'asked') return;
  const { registry, outcome, ms, remaining } = progress;
  metrics.observe('swapctl_check_duration_seconds', { registry, outcome }, ms / 1000);
  if (remaining !== undefined) metrics.set('swapctl_registry_rate_limit_remaining', { registry }, remaining);
}

/** Records a run of updates and its rolls. `whole`: it concerned all services, so that all others are gone. */
export function recordUpdate(
  metrics: Metrics,
  { services }: UpdateReport,
  { trigger, at, whole }: { readonly trigger: Trigger; readonly at: number; readonly whole: boolean },
): void {
  if (whole) forgetOthers(metrics, services);
  for (const { service, outcome, from, to, report } of services) {
    const checked = from && { registry: registryOf(to?.reference ?? from.image), outcome: checkOutcome(outcome) };
    if (checked) metrics.add('swapctl_checks_total', checked);
    if (report) recordRoll(metrics, report, trigger, at);
    recordState(metrics, service, outcome, at);
  }
  metrics.set('swapctl_update_last_run_timestamp_seconds', {}, at / 1000);
}

/** Forgets all services but these: alerts of a removed service must end. */
function forgetOthers(metrics: Metrics, services: readonly Pick<ServiceUpdate, 'service'>[]): void {
  const there = new Set(services.map(({ service }) => service));
  for (const name of OF_SERVICES) {
    for (const { labels } of metrics.all(name)) {
      const { service = '' } = labels;
      if (!there.has(service)) metrics.remove(name, { service });
    }
  }
}

const OF_SERVICES = [
  'swapctl_service_info',
  'swapctl_service_update_state',
  'swapctl_service_update_state_since_timestamp_seconds',
  'swapctl_roll_in_progress',
  'swapctl_roll_attention',
  'swapctl_roll_last_success_timestamp_seconds',
  'swapctl_roll_last_failure_timestamp_seconds',
] as const;

function recordPhases(metrics: Metrics, { total: _, ...phases }: Timings): void {
  for (const [phase, ms] of Object.entries(phases))
    metrics.observe('swapctl_roll_phase_duration_seconds', { phase }, ms / 1000);
}

function recordReplica(
  metrics: Metrics,
  service: string,
  { strategy = NO_STRATEGY, gap, connections }: Omit<ReplicaReport, 'slot' | 'timings'>,
): void {
  if (gap !== undefined) metrics.observe('swapctl_roll_gap_seconds', { strategy }, gap / 1000);
  if (connections) metrics.add('swapctl_connections_left_total', { service }, connections.cut);
}

function recordEnd(metrics: Metrics, report: RollReport, at: number): void {
  const { service, strategy = NO_STRATEGY, outcome, to, from } = report;
  const failed = report.error !== undefined || outcome === 'failed';
  const last = failed ? 'swapctl_roll_last_failure_timestamp_seconds' : 'swapctl_roll_last_success_timestamp_seconds';
  metrics.set(last, { service }, at / 1000);
  const attention = report.error?.code === 'attention' || (report.attention ?? []).length > 0;
  metrics.set('swapctl_roll_attention', { service }, attention ? 1 : 0);
  const side = failed ? from : (to ?? from);
  if (!side) return;
  metrics.remove('swapctl_service_info', { service });
  metrics.set('swapctl_service_info', { service, image: withoutDigest(side.image), strategy }, 1);
}

function recordState(metrics: Metrics, service: string, outcome: UpdateOutcome, at: number): void {
  const state = STATE_OF[outcome];
  const was = STATES.find((one) => metrics.get('swapctl_service_update_state', { service, state: one }) === 1);
  if (state === undefined) {
    metrics.remove('swapctl_service_update_state', { service });
    metrics.remove('swapctl_service_update_state_since_timestamp_seconds', { service });
    return;
  }
  for (const one of STATES) metrics.set('swapctl_service_update_state', { service, state: one }, one === state ? 1 : 0);
  if (was !== state) metrics.set('swapctl_service_update_state_since_timestamp_seconds', { service }, at / 1000);
}

// The check of a service whose roll failed had found a newer image.
function checkOutcome(outcome: UpdateOutcome): Checked['outcome'] {
  return outcome === 'updated' || outcome === 'failed' || outcome === 'waiting' ? 'available' : outcome;
}

function registryOf(reference: string): string {
  return readReference(reference)?.registry ?? 'unknown';
}

function withoutDigest(image: string): string {
  return image.startsWith('sha256:') ? 'untagged' : image.split('@')[0] || 'unknown';
}
