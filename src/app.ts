import type { ContainerSummary } from './core/container.ts';
import { EngineError } from './core/engine-error.ts';
import { fail, SwapError } from './core/error.ts';
import type { PullPolicy } from './core/image.ts';
import type { Checked } from './core/newer.ts';
import type { ServiceReport } from './core/report.ts';
import { findService, groupServices, type Service, whyNotRollable } from './core/service.ts';
import type { Finding, RecoveredItem, ReplicaStatus, ServiceHistory, ServicePlan } from './core/status.ts';
import type { Delivery, Run } from './core/summary.ts';
import type { Ports } from './ports.ts';
import { checkServices } from './roll/check.ts';
import { diagnose } from './roll/doctor.ts';
import { explainService } from './roll/explain.ts';
import { historyOf, previousImage } from './roll/history.ts';
import { planService } from './roll/preview.ts';
import { recoverAll, recoverService } from './roll/recover.ts';
import type { RollOptions } from './roll/roll-slot.ts';
import { rollService } from './roll/service.ts';
import { statusOf } from './roll/status.ts';
import { sweepRules } from './roll/sweep.ts';
import { teller } from './roll/tell.ts';

/** What every front lets people say about a roll. */
export interface RollRequest {
  readonly image?: string | undefined;
  readonly pull?: PullPolicy | undefined;
  readonly force?: boolean | undefined;
  /** Of `plan`: whether to tell where the settings come from. */
  readonly explain?: boolean | undefined;
  /** Settings by label key without the prefix: `{ settle: '2s' }`. */
  readonly overrides?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** How people are told of a run. */
export interface TellRequest {
  readonly signal: AbortSignal;
  /** Whether somebody asked for it: then it is noted where there is nobody to tell. */
  readonly asked?: boolean;
}

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
  /** Finishes or undoes what dead rolls left behind. */
  recover(signal: AbortSignal): Promise<RecoveredItem[]>;
  doctor(): Promise<Finding[]>;
  /** Tells those whom swapctl.yml names what came of a run, if it is worth it; what went wrong is noted, and never raised. */
  tell(run: Run, request: TellRequest): Promise<Delivery[]>;
  /** Names of everything that can be rolled, for shell completion. */
  names(): Promise<string[]>;
}

/** The use cases over real (or test) ports. */
export function createApp(ports: Ports): App {
  return {
    roll: async (selectors, request) => {
      const chosen = await choose(ports, selectors);
      await sweepRules(ports);
      const reports: ServiceReport[] = [];
      for (const service of chosen)
        reports.push(await reported(service.key, () => recoverThenRoll(ports, service.key, selectors, request)));
      return reports;
    },
    plan: async (selectors, request) => {
      const all = await ports.engine.list();
      return Promise.all(
        (await choose(ports, selectors)).map(async (service) => {
          const plan = await planService(ports, service, all, rollOptions(request));
          return request.explain ? { ...plan, explained: await explainService(ports, service, all, request) } : plan;
        }),
      );
    },
    rollback: (selector, request) => reported(selector, () => rollback(ports, selector, request)),
    history: async (selector) => historyOf(ports, (await choose(ports, [selector]))[0] ?? missing(selector)),
    status: async (selectors) =>
      statusOf(ports, selectors.length > 0 ? await choose(ports, selectors) : groupServices(await ports.engine.list())),
    check: async (selectors, signal) => {
      const all = await ports.engine.list();
      const chosen = selectors.length > 0 ? chosenOf(all, selectors) : groupServices(all).filter(canBeRolled);
      return checkServices(ports, chosen, all, signal);
    },
    recover: (signal) => recoverAll(ports, signal),
    doctor: () => diagnose(ports),
    tell: teller(ports),
    names: async () => nameChoices(await ports.engine.list()),
  };
}

async function recoverThenRoll(
  ports: Ports,
  key: string,
  selectors: readonly string[],
  request: RollRequest,
): Promise<ServiceReport> {
  // What is wrong in it is to be told before anything is touched.
  ports.config();
  const all = await ports.engine.list();
  const before = pick(all, selectors, key);
  const recovered = await recoverService(ports, before, all, request.signal);
  const now = recovered ? await ports.engine.list() : all;
  return rollService(ports, pick(now, selectors, key), now, rollOptions(request));
}

async function rollback(ports: Ports, selector: string, request: RollRequest): Promise<ServiceReport> {
  const all = await ports.engine.list();
  const service = findService(groupServices(all), selector);
  await sweepRules(ports);
  await recoverService(ports, service, all, request.signal);
  const target = await previousImage(ports, service, request.image);
  const options = rollOptions(request);
  return rollService(ports, service, await ports.engine.list(), {
    ...options,
    target,
    image: target.follows,
    event: 'rolled-back',
    condemn: true,
    force: true,
  });
}

function rollOptions(request: RollRequest): RollOptions {
  return {
    image: request.image,
    target: undefined,
    pull: request.pull ?? 'auto',
    force: request.force ?? false,
    overrides: request.overrides ?? {},
    event: 'rolled',
    condemn: false,
    signal: request.signal,
  };
}

async function choose(ports: Ports, selectors: readonly string[]): Promise<Service[]> {
  return chosenOf(await ports.engine.list(), selectors);
}

function chosenOf(all: readonly ContainerSummary[], selectors: readonly string[]): Service[] {
  const services = groupServices(all);
  const chosen = selectors.map((selector) => findService(services, selector));
  return chosen.filter(
    (service, at) => chosen.findIndex((other) => other.key === service.key && sameSlots(other, service)) === at,
  );
}

function canBeRolled({ slots }: Service): boolean {
  return slots.some(({ members }) => members.some((member) => whyNotRollable(member) === undefined));
}

function sameSlots(a: Service, b: Service): boolean {
  return a.slots.map((slot) => slot.home).join() === b.slots.map((slot) => slot.home).join();
}

function pick(all: readonly ContainerSummary[], selectors: readonly string[], key: string): Service {
  const services = groupServices(all);
  const chosen = selectors.map((selector) => findService(services, selector)).find((service) => service.key === key);
  return chosen ?? missing(key);
}

function missing(selector: string): never {
  return fail('not-found', `${selector} is gone`);
}

// A failed service is a result, not a crash: the others go on, and each has its report.
async function reported(service: string, work: () => Promise<ServiceReport>): Promise<ServiceReport> {
  try {
    return await work();
  } catch (raised) {
    const { code, message, hint } = asSwapError(raised);
    const error = { code, message, ...(hint ? { hint } : {}) };
    return { service, outcome: 'failed', timings: { total: 0 }, error };
  }
}

// Once a slot is being swapped its own report tells; what arrives here was refused before anything was touched.
function asSwapError(raised: unknown): SwapError {
  if (raised instanceof SwapError) return raised;
  if (!(raised instanceof EngineError)) throw raised;
  return new SwapError('engine-unreachable', raised.message, {
    hint: 'nothing was touched; swapctl doctor says more',
    cause: raised,
  });
}

function nameChoices(all: readonly ContainerSummary[]): string[] {
  const services = groupServices(all);
  const short = services.map((service) => service.key.split('/').at(-1) ?? service.key);
  return services.map((service, at) =>
    short.filter((name) => name === short[at]).length > 1 ? service.key : (short[at] ?? service.key),
  );
}
