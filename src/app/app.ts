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
import { nextCheck, type Schedule } from '../core/update/schedule.ts';
import type { Appointment, ServiceUpdate, UpdateReport } from '../core/update/update.ts';
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
import { reported } from './report/reported.ts';
import { teller } from './report/tell.ts';
import { recoverThenRoll } from './rollout/attempt.ts';
import { rollService } from './rollout/roll-service.ts';
import type { RollOptions } from './rollout/roll-slot.ts';
import { canBeRolled, chosenOf, missing, pick, sameService } from './select/chosen.ts';
import { listed } from './select/own.ts';
import { dockerTarget } from './target/docker.ts';
import { sweepRules } from './traffic/sweep.ts';
import { agendaOf } from './update/agenda.ts';
import { type ArrivalsWanted, type Concerned, concernedBy } from './update/arrivals.ts';
import { checkServices } from './update/check.ts';
import { type HintedService, type HintWanted, hintedServices } from './update/hinted.ts';
import { clearOwnHelper, runsIn } from './update/self-update.ts';
import { mendServices, type UpdateOptions, updateServices } from './update/update.ts';

/** What every front lets people say about a roll. Of several services, the first gets the id of the roll. */
export interface RollRequest extends RollCall {
  /** The W3C `traceparent` of the caller: the trace of the roll becomes part of the caller's. */
  readonly traceparent?: string | undefined;
  readonly image?: string | undefined;
  /** Of `roll`: this digest of the reference, whatever the tag means by now. */
  readonly digest?: string | undefined;
  readonly pull?: PullPolicy | undefined;
  readonly force?: boolean | undefined;
  /** Of `rollback`: whether volumes go back as well, to what they were copied as. */
  readonly withVolumes?: boolean | undefined;
  /** Of `plan`: whether to tell where the settings come from. */
  readonly explain?: boolean | undefined;
  /** Settings by label key without the prefix: `{ settle: '2s' }`. */
  readonly overrides?: Readonly<Record<string, string>>;
}

/** How people are told of a run. */
export interface TellRequest {
  readonly signal: AbortSignal;
  /** Whether somebody asked for it: then it is noted where there is nobody to tell. */
  readonly asked?: boolean;
}

/** What fronts let people say about updates. */
export interface UpdateRequest extends Call {
  /** Gives each roll its own id, progress and end; without it they share those of the call. */
  readonly perService?: PerService | undefined;
  /** Everything but what is opted out; named services count as opted in anyway. */
  readonly all?: boolean | undefined;
  /** Decide, and change nothing. */
  readonly dryRun?: boolean | undefined;
  /** Only these of the services, by key; what is named and not there is passed over then. */
  readonly only?: ReadonlySet<string> | undefined;
  /** Only what is under the followed tags on the engine counts; no registry is asked. */
  readonly here?: boolean | undefined;
  /** When images were seen first, by digest, in earlier runs; what is new is added. */
  readonly firstSeen?: Map<string, number> | undefined;
  /** Settings by label key without the prefix. */
  readonly overrides?: Readonly<Record<string, string>>;
}

/** What fronts say about what is to be watched. */
export type AgendaRequest = Pick<UpdateRequest, 'all' | 'overrides'>;

/** Images that got a name on the engine, and from which instant on they count. */
export type ArrivedRequest = AgendaRequest & Pick<ArrivalsWanted, 'arrivals' | 'since'>;

/** Pushes that a registry reported. */
export type HintRequest = AgendaRequest & Pick<HintWanted, 'pushes'>;

/** The use cases. Every front calls these, translates in, and translates out. */
export interface App {
  /** Rolls services one after the other; an error is in the service's report. */
  roll(selectors: readonly string[], request: RollRequest): Promise<ServiceReport[]>;
  plan(selectors: readonly string[], request: RollRequest): Promise<ServicePlan[]>;
  /** Rolls a service to the image that it ran before. */
  rollback(selector: string, request: RollRequest): Promise<ServiceReport>;
  history(selector: string): Promise<ServiceHistory>;
  status(selectors: readonly string[]): Promise<ReplicaStatus[]>;
  /** Asks registries what is newer, of everything that runs if nothing is named; what went wrong is in the service's line. */
  check(selectors: readonly string[], signal: AbortSignal): Promise<Checked[]>;
  /** Rolls what is opted in, newer, and may be rolled now; what went wrong with a service is in its line. */
  update(selectors: readonly string[], request: UpdateRequest): Promise<UpdateReport>;
  /** Finishes or undoes what dead rolls left half done on what is opted in; resolves with those for which that failed. */
  mend(selectors: readonly string[], request: UpdateRequest): Promise<ServiceUpdate[]>;
  /** What is to be checked by itself, and when; what is named and not there is passed over: it may come. */
  agenda(selectors: readonly string[], request: AgendaRequest): Promise<Appointment[]>;
  /** Whom images concern that got a name on the engine. */
  arrived(selectors: readonly string[], request: ArrivedRequest): Promise<Concerned>;
  /** The services that track a repository to which something was pushed, and whether that makes swapctl check them. */
  hinted(selectors: readonly string[], request: HintRequest): Promise<HintedService[]>;
  /** The webhooks that swapctl.yml configures, by name. Raises `config` with what is wrong in it. */
  hooks(): Readonly<Record<string, HookConfig>>;
  /** When a schedule comes due after an instant; `dice` is a number from 0 to 1. Milliseconds since the epoch. */
  nextCheck(schedule: Schedule, after: number, dice: number): Promise<number | undefined>;
  /** What happens to containers, and which images get a name, from an instant (nanoseconds) on, until the engine or the signal ends it. */
  events(since: number, signal: AbortSignal): AsyncIterable<EngineEvent>;
  /** Reads swapctl.yml again. Raises `config` with what is wrong in it; then what was read before stays. */
  reload(): Promise<void>;
  /** Finishes or undoes what dead rolls left behind, on everything if nothing is named. */
  recover(selectors: readonly string[], signal: AbortSignal, progress?: Call['progress']): Promise<RecoveredItem[]>;
  doctor(): Promise<Finding[]>;
  /** Tells those whom swapctl.yml names what came of a run, if it is worth it; what went wrong is noted, and never raised. */
  tell(run: Run, request: TellRequest): Promise<Delivery[]>;
  /** Names of everything that can be rolled, for shell completion. */
  names(): Promise<string[]>;
  /** The key of the service that a selector names. Raises `not-found` and `ambiguous`. */
  find(selector: string): Promise<string>;
  /** The rolls that labels tell of: finished, failed, and those that are under way or were interrupted. */
  pastRolls(): Promise<PastRoll[]>;
  /** How many services may be rolled at the same time. Raises `config` with what is wrong in swapctl.yml. */
  rollsAtOnce(): number;
  /** One host in the roll of a group of hosts. */
  readonly held: HoldDesk<RollRequest>;
  /** What `swapctl dev` does. */
  readonly dev: DevDesk;
}

/** The use cases of a daemon that updates by schedule. */
export type WatchedApp = Pick<
  App,
  'agenda' | 'arrived' | 'events' | 'mend' | 'nextCheck' | 'reload' | 'tell' | 'update'
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
    status: async (selectors) =>
      statusOf(
        ports,
        selectors.length > 0 ? await choose(ports, selectors) : groupServices(await listed(ports.engine)),
      ),
    check: async (selectors, signal) => {
      const all = await listed(ports.engine);
      const chosen = selectors.length > 0 ? chosenOf(all, selectors) : groupServices(all).filter(isChecked);
      return checkServices(ports, chosen, { signal });
    },
    update: (selectors, request) => update(ports, selectors, request),
    mend: (selectors, request) => {
      const called = calledBy(ports, request);
      return mendServices(called, dockerTarget(called), updateOptions(selectors, request));
    },
    agenda: async (selectors, { all = false, overrides = {} }) => {
      await clearOwnHelper(ports);
      return agendaOf(ports, dockerTarget(ports), { selectors, all, overrides, absent: true });
    },
    arrived: (selectors, { arrivals, since, all = false, overrides = {} }) =>
      concernedBy(ports, { arrivals, since, selectors, all, overrides, absent: true }),
    hinted: (selectors, { pushes, all = false, overrides = {} }) =>
      hintedServices(ports, dockerTarget(ports), { pushes, selectors, all, overrides, absent: true }),
    hooks: () => ports.config().hooks,
    nextCheck: (schedule, after, dice) => nextCheck(schedule, after, ports.schedules.next, dice),
    events: (since, signal) => ports.engine.events(since, signal),
    reload: () => ports.reloadConfig(),
    recover: (selectors, signal, progress) => recover(calledBy(ports, { progress }), selectors, signal),
    doctor: () => diagnose(ports),
    tell: teller(ports),
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
  const reports: ServiceReport[] = [];
  for (const [at, { key }] of chosen.entries()) {
    const alongside = keysOf(chosen.slice(at + 1));
    const options = { ...rollOptions(request), alongside, ...(at > 0 ? { roll: undefined } : {}) };
    const find = (all: readonly ContainerSummary[]): Service => pick(all, selectors, key);
    reports.push(await reported(key, () => recoverThenRoll(calledBy(ports, request), find, options)));
  }
  return reports;
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
  return updateServices(
    calledBy(ports, request),
    dockerTarget,
    updateOptions(selectors, request),
    (shared, service, found, alongside) =>
      reported(service.key, () =>
        perService(service.key, request.signal, (call) => {
          const options = { ...rollOptions({ ...request, ...call }), found, alongside };
          const find = (now: readonly ContainerSummary[]): Service => sameService(now, service);
          return reported(service.key, () => recoverThenRoll(calledBy(shared, call), find, options));
        }),
      ),
  );
}

const alone: PerService = (_, signal, work) => work({ signal });

// Progress goes to whoever called.
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
  const target = await previousImage(ports, service, request.image);
  return {
    ...rollOptions(request),
    target,
    volumesOf: request.withVolumes ? target.id : undefined,
    image: target.follows,
    event: 'rolled-back',
    condemn: true,
    force: true,
  };
}

function rollOptions(request: RollRequest): RollOptions {
  return {
    traceparent: request.traceparent,
    image: request.image,
    digest: request.digest,
    target: undefined,
    pull: request.pull ?? 'auto',
    force: request.force ?? false,
    overrides: request.overrides ?? {},
    event: 'rolled',
    condemn: false,
    roll: request.roll,
    signal: request.signal,
  };
}

const keysOf = (services: readonly Service[]): string[] => services.map(({ key }) => key);

async function choose(ports: Ports, selectors: readonly string[]): Promise<Service[]> {
  return chosenOf(await listed(ports.engine), selectors);
}

// What another program owns is said once it runs; what is stopped is nobody's concern.
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
