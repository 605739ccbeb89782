import type { DevDesk } from '../../app/app.ts';
import type { BuildSpec } from '../../core/build/build.ts';
import type { Change, Developed } from '../../core/build/develop.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { WatchLog } from '../log.ts';
import { actionsOf } from './change-actions.ts';
import { gatherer } from './gather.ts';
import { type Lane, openLane } from './lane.ts';
import { type Queue, queueOfOne } from './queue.ts';

/** The environment of development. */
export interface DevWorld {
  readonly desk: DevDesk;
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly log: WatchLog;
  /** Ends development; a roll in progress comes to its safe end first. */
  readonly signal: AbortSignal;
}

/** The options of development. */
export interface DevRequest {
  readonly services: readonly string[];
  readonly build: BuildSpec | undefined;
  readonly rules: readonly string[];
  readonly folder: string;
  /** True: build the present files before any change. */
  readonly firstBuild: boolean;
  readonly rollbackOnExit: boolean;
  readonly pollMs: number | undefined;
  readonly overrides: Readonly<Record<string, string>>;
}

const QUIET_MS = 80;
const MOST_MS = 5000;

/** Builds, rolls and syncs changes until the signal aborts; resolves with the reports of the rollbacks, if they were requested. */
export async function develop(world: DevWorld, request: DevRequest): Promise<ServiceReport[]> {
  const services = await world.desk.developed(request.services, request);
  if (request.rollbackOnExit) for (const { service, image } of services) await world.desk.keep(service, image);
  await untilEnd(world.signal, (signal, broken) => work({ ...world, signal, broken }, request, services));
  world.log.write('info', 'ended');
  return request.rollbackOnExit ? goBack(world, request, services) : [];
}

async function work(world: Open, request: DevRequest, services: readonly Developed[]): Promise<() => Promise<void>> {
  const { desk, log, signal } = world;
  const stations = openStations(world, request, services);
  const trees = stations.flatMap(({ developed }) => developed.rules);
  const gather = gatherer({ ...world, quietMs: QUIET_MS, mostMs: MOST_MS }, (changes) =>
    take(world, stations, changes),
  );
  await desk.watch(trees, { pollMs: request.pollMs, signal }, gather);
  for (const { service, rules } of services)
    log.write('info', `${service}: watching ${[...new Set(rules.map(({ path }) => path))].join(', ')}`, {
      service,
      rules,
    });
  for (const { lane } of stations) lane.begin();
  // One build, however many services share it.
  if (request.firstBuild) for (const builds of new Set(stations.map((station) => station.builds))) builds?.ask('first');
  return () => settled(stations);
}

/** Runs a task until the signal aborts or it fails, then lets current work end. `begin` resolves with a function that waits for that. */
async function untilEnd(
  signal: AbortSignal,
  begin: (signal: AbortSignal, broken: (error: unknown) => void) => Promise<() => Promise<void>>,
): Promise<void> {
  const end = new AbortController();
  const failures: unknown[] = [];
  const broken = (error: unknown): void => {
    failures.push(error);
    end.abort();
  };
  const abort = (): void => end.abort();
  signal.addEventListener('abort', abort);
  try {
    if (signal.aborted) abort();
    const settle = await begin(end.signal, broken);
    await aborted(end.signal);
    await settle();
  } finally {
    abort();
    signal.removeEventListener('abort', abort);
  }
  for (const error of failures) throw error;
}

type Open = DevWorld & { readonly broken: (error: unknown) => void };

/** A service with its queue; services of the same build share one. */
interface Station {
  readonly developed: Developed;
  readonly lane: Lane;
  readonly builds: Queue<string> | undefined;
  /** The number of its first tree among all trees. */
  readonly first: number;
}

function openStations(world: Open, { overrides }: DevRequest, services: readonly Developed[]): Station[] {
  const units = new Map<string, Unit>();
  let first = 0;
  return services.map((developed) => {
    const unit = developed.build && unitOf(units, world, developed, developed.build);
    const lane = openLane({ ...world, overrides }, developed, unit && (() => unit.builds.ask(developed.service)));
    unit?.lanes.push(lane);
    const station = { developed, lane, builds: unit?.builds, first };
    first += developed.rules.length;
    return station;
  });
}

/** One build, and the services that run its image. */
interface Unit {
  readonly lanes: Lane[];
  readonly builds: Queue<string>;
}

function unitOf(units: Map<string, Unit>, world: Open, { service }: Developed, spec: BuildSpec): Unit {
  // Compose's labels differ between services, but do not change the build.
  const key = JSON.stringify({ ...spec, labels: ownOnly(spec.labels) });
  const known = units.get(key);
  if (known) return known;
  const lanes: Lane[] = [];
  const unit = { lanes, builds: queueOfOne<string>(() => build(world, lanes, service, spec), world.broken) };
  units.set(key, unit);
  return unit;
}

function ownOnly(labels: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(labels).filter(([key]) => !key.startsWith('com.docker.compose.'));
}

async function build(
  { desk, log, signal }: DevWorld,
  lanes: readonly Lane[],
  service: string,
  spec: BuildSpec,
): Promise<void> {
  if (signal.aborted) return;
  const begun = lanes.map((lane) => ({ lane, number: lane.buildBegins() }));
  try {
    const { id } = await desk.build(spec, service, signal);
    for (const { lane, number } of begun) lane.run({ id, number });
  } catch (error) {
    if (signal.aborted) return;
    const {
      code,
      hint,
      log: said,
    } = error instanceof SwapError ? error : { code: codeOf(error), hint: undefined, log: [] };
    const text = `${service}: ${messageOf(error)}${hint ? ` (${hint})` : ''}`;
    log.write('error', text, { service, error: { code, message: messageOf(error), log: said } });
  }
}

function codeOf(error: unknown): string {
  return error instanceof EngineError ? 'engine-unreachable' : 'step-failed';
}

function take({ log }: DevWorld, stations: readonly Station[], changes: readonly Change[]): void {
  const rebuilt = new Set<Queue<string>>();
  for (const { developed, lane, builds, first } of stations) {
    const { rebuild, action } = actionsOf(developed.rules, first, changes);
    if (!rebuild) {
      lane.act(action);
      continue;
    }
    if (!builds || rebuilt.has(builds)) continue;
    rebuilt.add(builds);
    const [change] = changes;
    const more = changes.length > 1 ? ` and ${changes.length - 1} more` : '';
    log.write('info', `${developed.service}: ${change?.path}${more} changed: build`, {
      service: developed.service,
      changed: changes.length,
    });
    builds.ask('changed');
  }
}

async function settled(stations: readonly Station[]): Promise<void> {
  for (const { builds } of stations) await builds?.idle();
  for (const { lane } of stations) await lane.idle();
}

async function goBack(
  { desk, log }: DevWorld,
  { overrides }: DevRequest,
  services: readonly Developed[],
): Promise<ServiceReport[]> {
  const reports: ServiceReport[] = [];
  for (const { service, image } of services) {
    // The end was requested, and this is its work.
    const report = await desk.replace(service, image, { overrides, signal: new AbortController().signal, back: true });
    reports.push(report);
    const text = report.error
      ? `${report.error.message}; swapctl history shows what it ran`
      : `back on what ran before (${report.outcome})`;
    log.write(report.error ? 'error' : 'info', `${service}: ${text}`, { ...report });
    if (!report.error) await desk.keep(service, undefined);
  }
  return reports;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
}
