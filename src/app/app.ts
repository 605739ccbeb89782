import type { ContainerSummary } from '../core/model/container.ts';
import { fail } from '../core/model/error.ts';
import type { EngineEvent } from '../core/model/event.ts';
import type { PullPolicy } from '../core/model/image.ts';
import type { Call, PerService, RollCall } from '../core/report/call.ts';
import type { ServiceReport } from '../core/report/report.ts';
import type { Finding, RecoveredItem, ReplicaStatus, ServiceHistory, ServicePlan } from '../core/report/status.ts';
import type { Delivery, Run } from '../core/report/summary.ts';
import { findService, groupServices, type Service, whyOwned } from '../core/service/service.ts';
import type { Checked } from '../core/update/newer.ts';
import { type AskedTarget, FOLLOWED } from '../core/update/roll-target.ts';
import { nextCheck, type Schedule } from '../core/update/schedule.ts';
import type { ScheduledCheck, ServiceUpdate, UpdateReport } from '../core/update/update.ts';
import type { HookConfig } from '../core/webhooks/kinds.ts';
import type { Ports } from '../ports/ports.ts';
import { type DevDesk, devDesk } from './dev/desk.ts';
import { type HoldDesk, holdDesk } from './hold/desk.ts';
import { diagnose } from './inspect/doctor.ts';
import { explainService } from './inspect/explain.ts';
import { historyOf, previousImage } from './inspect/history.ts';
import { type PastRoll, pastRolls } from './inspect/past-rolls.ts';
import { planService } from './inspect/preview.ts';
import { statusOf } from './inspect/status.ts';
import { recover, recoverService } from './recovery/recover.ts';
import { createNotifier } from './report/notify.ts';
import { reported } from './report/reported.ts';
import { recoverThenRoll } from './rollout/attempt.ts';
import { rollNamed } from './rollout/roll-named.ts';
import { rollService } from './rollout/roll-service.ts';
import type { RollOptions } from './rollout/roll-slot.ts';
import { canBeRolled, chosenOf, missing, pick, sameService } from './select/chosen.ts';
import { listed } from './select/own.ts';
import { dockerTarget } from './target/docker.ts';
import { sweepRules } from './traffic/sweep.ts';
import { checkServices } from './update/check.ts';
import { type HintedService, type HintWanted, hintedServices } from './update/hinted.ts';
import { type Concerned, concernedBy, type LocalImagesWanted } from './update/local-images.ts';
import { scheduledChecksOf } from './update/scheduled-checks.ts';
import { clearOwnHelper, runsIn } from './update/self-update.ts';
import { takeBack } from './update/take-back.ts';
import { recoverOptedIn, type UpdateOptions, updateServices } from './update/update.ts';

/** The options of a roll that every front offers. Of several services, the first gets the id of the roll. */
export interface RollRequest extends RollCall {
  /** The W3C `traceparent` of the caller: the trace of the roll becomes part of the caller's. */
  readonly traceparent?: string | undefined;
  /** Of `roll` and `plan`; without it, the image that the service follows. */
  readonly target?: AskedTarget | undefined;
  /** Of `rollback`: an image of the history, by its reference or the start of a digest; without it, the newest. */
  readonly earlier?: string | undefined;
  readonly pull?: PullPolicy | undefined;
  readonly force?: boolean | undefined;
  /** For `rollback`: also restore the volumes from their backups. */
  readonly withVolumes?: boolean | undefined;
  /** For `plan`: show the source of each setting. */
  readonly explain?: boolean | undefined;
  /** Settings by label key without the prefix: `{ settle: '2s' }`. */
  readonly overrides?: Readonly<Record<string, string>>;
}

/** The options of a notification. */
export interface NotifyRequest {
  readonly signal: AbortSignal;
  /** True: a user requested the run, so a note appears if no notifier is configured. */
  readonly asked?: boolean;
}

/** The options of updates that fronts offer. */
export interface UpdateRequest extends Call {
  /** Gives each roll its own id, progress and cancellation; without it they share those of the call. */
  readonly perService?: PerService | undefined;
  /** Include every service that is not opted out; named services count as opted in anyway. */
  readonly all?: boolean | undefined;
  /** Report the decisions without a change. */
  readonly dryRun?: boolean | undefined;
  /** Only these of the services, by key; ignores named services that do not exist. */
  readonly only?: ReadonlySet<string> | undefined;
  /** Only images under the tracked tags on the engine count; no registry is asked. */
  readonly here?: boolean | undefined;
  /** The first sight of images in earlier runs, by digest; new ones are added. */
  readonly firstSeen?: Map<string, number> | undefined;
  /** Settings by label key without the prefix. */
  readonly overrides?: Readonly<Record<string, string>>;
}

/** The options of a watch. */
export type ScheduleRequest = Pick<UpdateRequest, 'all' | 'overrides'>;

/** Local image events, and the instant from which on they count. */
export type LocalImagesRequest = ScheduleRequest & Pick<LocalImagesWanted, 'localImages' | 'since'>;

/** Pushes that a registry reported. */
export type HintRequest = ScheduleRequest & Pick<HintWanted, 'pushes'>;

/** The use cases. Every front translates its input, calls these, and translates the result. */
export interface App {
  /** Rolls services one after the other; an error is in the service's report. */
  roll(selectors: readonly string[], request: RollRequest): Promise<ServiceReport[]>;
  plan(selectors: readonly string[], request: RollRequest): Promise<ServicePlan[]>;
  /** Rolls a service to the image that it ran before. */
  rollback(selector: string, request: RollRequest): Promise<ServiceReport>;
  history(selector: string): Promise<ServiceHistory>;
  status(selectors: readonly string[]): Promise<ReplicaStatus[]>;
  /** Asks registries for newer images, of all running services if none is named; errors are in the service's line. */
  check(selectors: readonly string[], signal: AbortSignal): Promise<Checked[]>;
  /** Rolls opted-in services that have a newer image and an open window; errors are in the service's line. */
  update(selectors: readonly string[], request: UpdateRequest): Promise<UpdateReport>;
  /** Finishes or undoes interrupted rolls of opted-in services; resolves with the ones that failed. */
  recoverOptedIn(selectors: readonly string[], request: UpdateRequest): Promise<ServiceUpdate[]>;
  /** The scheduled checks of services; ignores named services that do not exist, since they may appear. */
  scheduledChecks(selectors: readonly string[], request: ScheduleRequest): Promise<ScheduledCheck[]>;
  /** The services that track the names of local image events. */
  arrived(selectors: readonly string[], request: LocalImagesRequest): Promise<Concerned>;
  /** The services that track a repository of a push, and if swapctl checks them because of it. */
  hinted(selectors: readonly string[], request: HintRequest): Promise<HintedService[]>;
  /** The webhooks that swapctl.yml configures, by name. Raises `config` with the mistakes in it. */
  hooks(): Readonly<Record<string, HookConfig>>;
  /** The next time of a schedule after an instant; `dice` is a number from 0 to 1. Milliseconds since the epoch. */
  nextCheck(schedule: Schedule, after: number, dice: number): Promise<number | undefined>;
  /** Events of containers and local image events, from an instant (nanoseconds) on, until the engine or the signal ends the stream. */
  events(since: number, signal: AbortSignal): AsyncIterable<EngineEvent>;
  /** Reads swapctl.yml again. Raises `config` with the mistakes in it; the previous settings then stay. */
  reload(): Promise<void>;
  /** Finishes or undoes interrupted rolls, of all services if none is named. */
  recover(selectors: readonly string[], signal: AbortSignal, progress?: Call['progress']): Promise<RecoveredItem[]>;
  doctor(): Promise<Finding[]>;
  /** Sends the notifications configured in swapctl.yml, if the run deserves one; failures are noted and never raised. */
  notify(run: Run, request: NotifyRequest): Promise<Delivery[]>;
  /** Names of all services that can be rolled, for shell completion. */
  names(): Promise<string[]>;
  /** The key of the service that a selector names. Raises `not-found` and `ambiguous`. */
  find(selector: string): Promise<string>;
  /** The rolls that labels record: finished, failed, in progress and interrupted. */
  pastRolls(): Promise<PastRoll[]>;
  /** The number of services that may be rolled at the same time. Raises `config` with the mistakes in swapctl.yml. */
  rollsAtOnce(): number;
  /** One host in the roll of a group of hosts. */
  readonly held: HoldDesk<RollRequest>;
  /** The use cases of `swapctl dev`. */
  readonly dev: DevDesk;
}

/** The use cases of a daemon that updates on a schedule. */
export type WatchedApp = Pick<
  App,
  'scheduledChecks' | 'arrived' | 'events' | 'recoverOptedIn' | 'nextCheck' | 'reload' | 'notify' | 'update'
>;

export type { DevDesk } from './dev/desk.ts';
export type { PastRoll } from './inspect/past-rolls.ts';
export type { HintedService } from './update/hinted.ts';

/** The use cases over real (or test) ports. */
export function createApp(ports: Ports): App {
  return {
    roll: (selectors, request) => roll(ports, selectors, request),
    plan: (selectors, request) => planAll(ports, selectors, request),
    rollback: (selector, request) => reported(selector, () => rollback(calledBy(ports, request), selector, request)),
    history: async (selector) => historyOf(ports, (await choose(ports, [selector]))[0] ?? missing(selector)),
    status: async (selectors) => {
      const all = await listed(ports.engine);
      return statusOf(ports, selectors.length > 0 ? chosenOf(all, selectors) : groupServices(all), all);
    },
    check: async (selectors, signal) => {
      const all = await listed(ports.engine);
      const chosen = selectors.length > 0 ? chosenOf(all, selectors) : groupServices(all).filter(isChecked);
      return checkServices(ports, chosen, { signal });
    },
    update: (selectors, request) => update(ports, selectors, request),
    recoverOptedIn: (selectors, request) => {
      const called = calledBy(ports, request);
      return recoverOptedIn(called, dockerTarget(called), updateOptions(selectors, request));
    },
    scheduledChecks: async (selectors, { all = false, overrides = {} }) => {
      await clearOwnHelper(ports);
      return scheduledChecksOf(ports, dockerTarget(ports), { selectors, all, overrides, absent: true });
    },
    arrived: (selectors, { localImages, since, all = false, overrides = {} }) =>
      concernedBy(ports, { localImages, since, selectors, all, overrides, absent: true }),
    hinted: (selectors, { pushes, all = false, overrides = {} }) =>
      hintedServices(ports, dockerTarget(ports), { pushes, selectors, all, overrides, absent: true }),
    hooks: () => ports.config().hooks,
    nextCheck: (schedule, after, dice) => nextCheck(schedule, after, ports.schedules.next, dice),
    events: (since, signal) => ports.engine.events(since, signal),
    reload: () => ports.reloadConfig(),
    recover: (selectors, signal, progress) => recover(calledBy(ports, { progress }), selectors, signal),
    doctor: () => diagnose(ports),
    notify: createNotifier(ports),
    names: async () => nameChoices(await listed(ports.engine)),
    find: async (selector) => findService(groupServices(await listed(ports.engine)), selector).key,
    pastRolls: () => pastRolls(ports),
    rollsAtOnce: () => ports.config().maxRollsAtOnce,
    held: holdDesk(ports, { roll: rollOptions, back: backOptions, calledBy }),
    dev: devDesk(ports),
  };
}

async function roll(ports: Ports, selectors: readonly string[], request: RollRequest): Promise<ServiceReport[]> {
  const chosen = await choose(ports, selectors);
  await sweepRules(ports);
  const find = (all: readonly ContainerSummary[], key: string): Service => pick(all, selectors, key);
  return rollNamed(calledBy(ports, request), chosen, find, rollOptions(request));
}

async function planAll(ports: Ports, selectors: readonly string[], request: RollRequest): Promise<ServicePlan[]> {
  const all = await listed(ports.engine);
  const chosen = await choose(ports, selectors);
  const options = { ...rollOptions(request), alongside: keysOf(chosen) };
  return Promise.all(
    chosen.map(async (service) => {
      const plan = await planService(ports, service, all, options);
      return request.explain ? { ...plan, explained: await explainService(ports, service, all, request) } : plan;
    }),
  );
}

function update(ports: Ports, selectors: readonly string[], request: UpdateRequest): Promise<UpdateReport> {
  const { perService = alone } = request;
  return updateServices(calledBy(ports, request), dockerTarget, updateOptions(selectors, request), {
    roll: (shared, service, found, alongside) =>
      reported(service.key, () =>
        perService(service.key, request.signal, (call) => {
          const options = { ...rollOptions({ ...request, ...call }), target: found, alongside };
          const find = (now: readonly ContainerSummary[]): Service => sameService(now, service);
          return reported(service.key, () => recoverThenRoll(calledBy(shared, call), find, options));
        }),
      ),
    back: (shared, service, image) =>
      reported(service.key, () =>
        perService(service.key, new AbortController().signal, (call) => {
          const options = { roll: call.roll, overrides: request.overrides ?? {}, alongside: [] };
          return reported(service.key, () => takeBack(calledBy(shared, call), service, image, options));
        }),
      ),
  });
}

const alone: PerService = (_, signal, work) => work({ signal });

// Sends progress to the caller.
function calledBy(ports: Ports, { progress }: Pick<Call, 'progress'>): Ports {
  return progress ? { ...ports, report: progress } : ports;
}

function updateOptions(selectors: readonly string[], request: UpdateRequest): UpdateOptions {
  const { all = false, dryRun = false, overrides = {}, firstSeen, only, here, signal } = request;
  return { selectors, all, dryRun, overrides, firstSeen, only, here, signal, absent: only !== undefined };
}

async function rollback(ports: Ports, selector: string, request: RollRequest): Promise<ServiceReport> {
  const all = await listed(ports.engine);
  const service = findService(groupServices(all), selector);
  await sweepRules(ports);
  await recoverService(ports, service, all, request.signal);
  if (runsIn(ports, service))
    return fail('refused', `swapctl itself runs in ${service.key}`, { hint: 'roll it back from outside' });
  return rollService(ports, service, await listed(ports.engine), await backOptions(ports, service, request));
}

async function backOptions(ports: Ports, service: Service, request: RollRequest): Promise<RollOptions> {
  const image = await previousImage(ports, service, request.earlier);
  return {
    ...rollOptions(request),
    target: { kind: 'local', image },
    volumesOf: request.withVolumes ? image.id : undefined,
    event: 'rolled-back',
    rejectLeft: true,
    force: true,
  };
}

function rollOptions(request: RollRequest): RollOptions {
  return {
    traceparent: request.traceparent,
    target: request.target ?? FOLLOWED,
    pull: request.pull ?? 'auto',
    force: request.force ?? false,
    overrides: request.overrides ?? {},
    event: 'rolled',
    rejectLeft: false,
    roll: request.roll,
    signal: request.signal,
  };
}

const keysOf = (services: readonly Service[]): string[] => services.map(({ key }) => key);

async function choose(ports: Ports, selectors: readonly string[]): Promise<Service[]> {
  return chosenOf(await listed(ports.engine), selectors);
}

// A service of another program is reported while it runs; a stopped one is not.
function isChecked(service: Service): boolean {
  return canBeRolled(service) || (whyOwned(service) !== undefined && isRunning(service));
}

function isRunning({ slots }: Service): boolean {
  return slots.some(({ members }) => members.some(({ status }) => status === 'running'));
}

function nameChoices(all: readonly ContainerSummary[]): string[] {
  const services = groupServices(all);
  const short = services.map((service) => service.key.split('/').at(-1) ?? service.key);
  return services.map((service, at) =>
    short.filter((name) => name === short[at]).length > 1 ? service.key : (short[at] ?? service.key),
  );
}
