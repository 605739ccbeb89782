import { fail } from '../core/model/error.ts';
import type { PerService } from '../core/report/call.ts';
import type { ServiceReport } from '../core/report/report.ts';
import type { Finding, ServicePlan } from '../core/report/status.ts';
import { groupServices } from '../core/service/service.ts';
import { FOLLOWED } from '../core/update/roll-target.ts';
import type { UpdateReport } from '../core/update/update.ts';
import type { Ports } from '../ports/ports.ts';
import type { App, HintedService, HintRequest, RollRequest, UpdateRequest } from './app.ts';
import { heldWithSwarm } from './held-swarm.ts';
import { explained } from './inspect/explain.ts';
import { reported } from './report/reported.ts';
import { listed } from './select/own.ts';
import { checkSwarm } from './swarm/check.ts';
import { containersIn, isTask, type Named, unitsIn, whatIsNamed } from './swarm/parts.ts';
import { planSwarm } from './swarm/plan.ts';
import { recoverSwarm } from './swarm/recover.ts';
import { rollSwarmService, type SwarmRollOptions } from './swarm/roll.ts';
import { rollbackSwarm } from './swarm/rollback.ts';
import { swarmHistory, swarmStatus } from './swarm/status.ts';
import { type SwarmUnit, swarmFacts, swarmTarget, swarmUnits } from './swarm/target.ts';
import { hintedServices } from './update/hinted.ts';
import { scheduledChecksOf } from './update/scheduled-checks.ts';
import { recoverOptedIn, type UpdateOptions, updateServices } from './update/update.ts';

/** The same use cases, also for the services of a Swarm if the engine is one of its managers. */
export function withSwarm(app: App, ports: Ports): App {
  const named = (selector: string) => unitNamed(ports, selector);
  const held = heldWithSwarm(app.held, ports, { named, options: rollOptions, calledBy });
  return { ...app, held, ...rolling(app, ports), ...looking(app, ports), ...unattended(app, ports) };
}

type Rolling = Pick<App, 'roll' | 'plan' | 'rollback' | 'recover'>;

function rolling(app: App, ports: Ports): Rolling {
  return {
    roll: (selectors, request) => roll(app, ports, selectors, request),
    plan: async (selectors, request) => {
      const named = await whatIsNamed(ports, selectors);
      if (unitsIn(named).length === 0) return app.plan(selectors, request);
      const plans = await inTurn(grouped(named), async (group): Promise<ServicePlan[]> => {
        if (group.kind === 'containers') return app.plan(group.selectors, request);
        return [await planOf(ports, group.unit, request)];
      });
      return plans.flat();
    },
    rollback: async (selector, request) => {
      const unit = await unitNamed(ports, selector);
      if (!unit) return app.rollback(selector, request);
      const own = calledBy(ports, request);
      return reported(unit.key, () => rollbackSwarm(own, unit.key, request.earlier, rollOptions(request)));
    },
    recover: async (selectors, signal, progress) => {
      const named = await whatIsNamed(ports, selectors, { gone: true });
      const containers = containersIn(named);
      const all = selectors.length === 0;
      const items = all || containers.length > 0 ? await app.recover(containers, signal, progress) : [];
      const units = all ? await swarmUnits(ports) : unitsIn(named);
      const services = units.map(({ service }) => service);
      const own = calledBy(ports, { progress });
      return [...items, ...(await recoverSwarm(own, services, all && units.length > 0, signal))];
    },
  };
}

async function planOf(ports: Ports, { key, service }: SwarmUnit, request: RollRequest): Promise<ServicePlan> {
  const plan = await planSwarm(ports, service, rollOptions(request));
  if (!request.explain) return plan;
  const keys = (await swarmUnits(ports)).map((unit) => unit.key);
  const facts = await swarmFacts(ports, service);
  const { labels } = service;
  return { ...plan, explained: await explained(ports, { key, labels, keys, facts }, request.overrides ?? {}) };
}

type Looking = Pick<App, 'history' | 'status' | 'check' | 'names' | 'find' | 'doctor'>;

function looking(app: App, ports: Ports): Looking {
  return {
    history: async (selector) => {
      const unit = await unitNamed(ports, selector);
      return unit ? swarmHistory(ports, unit.service) : app.history(selector);
    },
    status: async (selectors) => {
      const all = await chosen(ports, selectors);
      const lines = await linesOf(ports, all, (some) => app.status(some));
      const services = all.units.map(({ service }) => service);
      return [...lines, ...(await swarmStatus(ports, services))];
    },
    check: async (selectors, signal) => {
      const all = await chosen(ports, selectors);
      const lines = await linesOf(ports, all, (some) => app.check(some, signal));
      const services = all.units.map(({ service }) => service);
      return [...lines, ...(await checkSwarm(ports, services, { signal }))];
    },
    doctor: async () => [...(await app.doctor()), ...(await findings(ports))],
    names: async () => {
      const units = await swarmUnits(ports);
      if (units.length === 0) return app.names();
      const tasks = await taskKeys(ports);
      return [...(await app.names()).filter((name) => !tasks.has(name)), ...units.map(({ key }) => key)];
    },
    find: async (selector) => (await unitNamed(ports, selector))?.key ?? app.find(selector),
  };
}

type Unattended = Pick<App, 'update' | 'recoverOptedIn' | 'scheduledChecks' | 'hinted'>;

function unattended(app: App, ports: Ports): Unattended {
  return {
    update: (selectors, request) => update(app, ports, selectors, request),
    recoverOptedIn: async (selectors, request) => {
      const { containers, swarm } = await wanted(ports, selectors);
      const own = calledBy(ports, request);
      const lines = containers ? await app.recoverOptedIn(containers, request) : [];
      const more = swarm ? await recoverOptedIn(own, swarmTarget(own), updateOptions(swarm, request)) : [];
      return [...lines, ...more];
    },
    scheduledChecks: async (selectors, request) => {
      const { containers, swarm } = await wanted(ports, selectors);
      const lines = containers ? await app.scheduledChecks(containers, request) : [];
      if (!swarm) return lines;
      const { all = false, overrides = {} } = request;
      const asked = { selectors: swarm, all, overrides, absent: true };
      return [...lines, ...(await scheduledChecksOf(ports, swarmTarget(ports), asked))];
    },
    hinted: (selectors, request) => hinted(app, ports, selectors, request),
  };
}

async function hinted(
  app: App,
  ports: Ports,
  selectors: readonly string[],
  request: HintRequest,
): Promise<HintedService[]> {
  const { containers, swarm } = await wanted(ports, selectors);
  const lines = containers ? await app.hinted(containers, request) : [];
  if (!swarm) return lines;
  const { pushes, all = false, overrides = {} } = request;
  const asked = { pushes, selectors: swarm, all, overrides, absent: true };
  const units = await hintedServices(ports, swarmTarget(ports), asked);
  const tasks = await taskKeys(ports);
  return [...lines.filter(({ service }) => !tasks.has(service)), ...units];
}

async function findings(ports: Ports): Promise<Finding[]> {
  const { swarm } = await ports.engine.facts();
  if (swarm === 'none') return [];
  const advice = 'a manager of the Swarm rolls its services';
  if (swarm === 'worker') return [{ check: 'Swarm', state: 'limited', found: 'this engine is a worker', advice }];
  const count = (await swarmUnits(ports)).length;
  return [{ check: 'Swarm', state: 'ok', found: `a manager; ${count} service${count === 1 ? '' : 's'}` }];
}

async function unitNamed(ports: Ports, selector: string): Promise<SwarmUnit | undefined> {
  return unitsIn(await whatIsNamed(ports, [selector]))[0];
}

async function isManager({ engine }: Pick<Ports, 'engine'>): Promise<boolean> {
  return (await engine.facts()).swarm === 'manager';
}

// Services in one call are rolled one after the other, in their order; consecutive containers share a call.
async function roll(
  app: App,
  ports: Ports,
  selectors: readonly string[],
  request: RollRequest,
): Promise<ServiceReport[]> {
  const named = await whatIsNamed(ports, selectors);
  if (unitsIn(named).length === 0) return app.roll(selectors, request);
  let first = true;
  const reports = await inTurn(grouped(named), async (group): Promise<ServiceReport[]> => {
    const own = first ? request : { ...request, roll: undefined };
    first = false;
    if (group.kind === 'containers') return app.roll(group.selectors, own);
    const { key } = group.unit;
    return [await reported(key, () => rollSwarmService(calledBy(ports, own), key, rollOptions(own)))];
  });
  return reports.flat();
}

type Group = { readonly kind: 'containers'; readonly selectors: readonly string[] } | Extract<Named, { kind: 'swarm' }>;

function grouped(named: readonly Named[]): Group[] {
  const groups: Group[] = [];
  for (const one of named) {
    const last = groups.at(-1);
    if (one.kind === 'swarm') groups.push(one);
    else if (last?.kind !== 'containers') groups.push({ kind: 'containers', selectors: [one.selector] });
    else groups.splice(-1, 1, { kind: 'containers', selectors: [...last.selectors, one.selector] });
  }
  return groups;
}

async function inTurn<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const one of all) results.push(await work(one));
  return results;
}

interface Chosen {
  /** Undefined: the user named Swarm services only. */
  readonly containers: readonly string[] | undefined;
  readonly units: readonly SwarmUnit[];
}

// Without names: everything.
async function chosen(ports: Ports, selectors: readonly string[]): Promise<Chosen> {
  if (selectors.length === 0) return { containers: [], units: await swarmUnits(ports) };
  const named = await whatIsNamed(ports, selectors);
  const containers = containersIn(named);
  return { containers: containers.length > 0 ? containers : undefined, units: unitsIn(named) };
}

/** The lines of containers; without names, tasks are left out, since their services have lines of their own. */
async function linesOf<T extends { readonly service: string }>(
  ports: Ports,
  { containers, units }: Chosen,
  ask: (selectors: readonly string[]) => Promise<T[]>,
): Promise<T[]> {
  if (containers === undefined) return [];
  const lines = await ask(containers);
  if (containers.length > 0 || units.length === 0) return lines;
  const tasks = await taskKeys(ports);
  return lines.filter(({ service }) => !tasks.has(service));
}

async function taskKeys({ engine }: Pick<Ports, 'engine'>): Promise<ReadonlySet<string>> {
  const services = groupServices(await listed(engine));
  return new Set(services.filter(isTask).map(({ key }) => key));
}

// For unattended runs: a named service that does not exist counts as a container, as it may appear.
async function wanted(
  ports: Ports,
  selectors: readonly string[],
): Promise<{ readonly containers: readonly string[] | undefined; readonly swarm: readonly string[] | undefined }> {
  if (!(await isManager(ports))) return { containers: selectors, swarm: undefined };
  if (selectors.length === 0) return { containers: [], swarm: [] };
  const keys = new Set((await swarmUnits(ports)).map(({ key }) => key));
  const swarm = selectors.filter((selector) => keys.has(selector));
  const containers = selectors.filter((selector) => !keys.has(selector));
  return {
    containers: containers.length > 0 ? containers : undefined,
    swarm: swarm.length > 0 ? swarm : undefined,
  };
}

async function update(
  app: App,
  ports: Ports,
  selectors: readonly string[],
  request: UpdateRequest,
): Promise<UpdateReport> {
  const { containers, swarm } = await wanted(ports, selectors);
  const report = containers ? await app.update(containers, request) : undefined;
  if (!swarm) return report ?? fail('not-found', 'no service is named');
  const more = await updateSwarm(ports, swarm, request);
  return report ? { ...report, services: [...report.services, ...more.services] } : more;
}

function updateSwarm(ports: Ports, selectors: readonly string[], request: UpdateRequest): Promise<UpdateReport> {
  const { perService = alone } = request;
  return updateServices(calledBy(ports, request), swarmTarget, updateOptions(selectors, request), {
    roll: (own, { key }, found) =>
      reported(key, () =>
        perService(key, request.signal, (call) => {
          const options = { ...rollOptions({ ...request, ...call }), target: found };
          return reported(key, () => rollSwarmService(calledBy(own, call), key, options));
        }),
      ),
  });
}

const alone: PerService = (_, signal, work) => work({ signal });

function updateOptions(selectors: readonly string[], request: UpdateRequest): UpdateOptions {
  const { all = false, dryRun = false, overrides = {}, firstSeen, only, here, signal } = request;
  return { selectors, all, dryRun, overrides, firstSeen, only, here, signal, absent: only !== undefined };
}

// The nodes pull, and their volumes are out of reach: swapctl refuses these options instead of ignoring them.
function rollOptions(request: RollRequest): SwarmRollOptions {
  const {
    pull,
    withVolumes,
    target = FOLLOWED,
    force = false,
    overrides = {},
    roll: id,
    traceparent,
    signal,
  } = request;
  if (pull === 'never' || pull === 'missing')
    return fail('usage', `--pull ${pull} does not work for Swarm services: their nodes pull what they do not have`);
  if (withVolumes)
    return fail(
      'usage',
      '--with-volumes does not work for Swarm services: swapctl makes no volume backups on other nodes',
    );
  return { target, force, overrides, roll: id, traceparent, signal };
}

function calledBy(ports: Ports, { progress }: Pick<RollRequest, 'progress'>): Ports {
  return progress ? { ...ports, report: progress } : ports;
}
