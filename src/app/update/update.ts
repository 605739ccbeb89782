import { fail } from '../../core/model/error.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { Checked } from '../../core/update/newer.ts';
import { type Dependent, heldBack } from '../../core/update/order.ts';
import type { CheckedTarget } from '../../core/update/roll-target.ts';
import { oneByOne, type TagMates } from '../../core/update/tag-mates.ts';
import {
  agelessLine,
  builtAt,
  rolledLine,
  type ServiceUpdate,
  settledLine,
  stopsOthers,
  type UpdateReport,
  waitingLine,
} from '../../core/update/update.ts';
import type { Ports } from '../../ports/ports.ts';
import { reportedError } from '../report/reported.ts';
import { engineNow } from '../select/engine-time.ts';
import type { Look, Named, Target, TargetOn } from '../target/target.ts';
import { type OptedIn, optedIn, type Wanted } from './opted-in.ts';
import { type Dependencies, dependenciesAmong, rollInOrder } from './order.ts';
import { sharingPulls } from './shared-pulls.ts';
import { backWith, heldByMate, matesAmong, refusesTag, takenBack } from './tag-group.ts';

/** The options of a run of updates. */
export interface UpdateOptions extends Wanted {
  /** True: report the decisions without a change. */
  readonly dryRun: boolean;
  /** Only these of the services, by key. */
  readonly only: ReadonlySet<string> | undefined;
  /** True: only images under the tracked tags on the engine count; no registry is asked. */
  readonly here?: boolean | undefined;
  /** The first sight of images, by digest; new ones are added. Milliseconds of the engine's clock. Undefined: there is no record. */
  readonly firstSeen: Map<string, number> | undefined;
  readonly signal: AbortSignal;
}

/** Rolls a service to the result of a check, before these others. An error is in the report. */
export type RollTo<S extends Named> = (
  ports: Ports,
  service: S,
  found: CheckedTarget,
  later: readonly string[],
) => Promise<ServiceReport>;

/** How a target rolls its services. */
export interface Rolls<S extends Named> {
  readonly roll: RollTo<S>;
  /** Rolls a service back to the image (id) that it ran before. Undefined: services of one tag are no group. */
  readonly back?: (ports: Ports, service: S, image: string) => Promise<ServiceReport>;
}

/**
 * Checks the opted-in services, and rolls those with a newer image and an open window, in the order of dependencies. Errors are
 * in the service's line, and the others go on. Raises `config` for a mistake in swapctl.yml, and EngineError.
 */
export async function updateServices<S extends Named>(
  given: Ports,
  on: TargetOn<S>,
  options: UpdateOptions,
  way: Rolls<S>,
): Promise<UpdateReport> {
  const ports = sharingPulls(given);
  const target = on(ports);
  const { look, chosen, lines } = await recoverAndCheck(ports, target, options);
  const now = await engineNow(ports);
  const open = chosen.flatMap((one) => (one.line || lines.has(one.service.key) ? [] : [one]));
  const services = open.map(({ service }) => service);
  const checks = await checkAll(target, services, options);
  const policies = new Map(open.map(({ service, policy }) => [service.key, policy]));
  const failed = new Map([...lines.values()].flatMap((line) => stopFor(line)));
  const grouped = services.filter((service) => way.back !== undefined && !target.runsIn(service));
  const mates = matesAmong(look, grouped, checks);
  const rolls: Rollable<S>[] = [];
  for (const [at, checked] of checks.entries()) {
    const one = open[at];
    if (!one) continue;
    const byMate = heldByMate(checked, mates, checks);
    const line = settledLine(checked) ?? byMate ?? (await decided({ target, now, options }, one, checked));
    if (line) lines.set(checked.service, line);
    else rolls.push({ key: checked.service, service: one.service, checked, dependsOn: [] });
    const stops = checked.held === 'failed' || line === byMate;
    if (stops && line) for (const [key, why] of stopFor(line)) failed.set(key, why);
  }
  const dependencies = dependenciesAmong(look, policies);
  const ordered = inOrder(rolls, dependencies, lines, failed);
  const tied = ordered.length > 1 ? await withTies(look, ordered, dependencies) : ordered;
  await rollThem({ ports, target, way, mates }, options, oneByOne(tied, mates), { lines, failed });
  return {
    checked: new Date(now).toISOString(),
    services: chosen.flatMap(({ service }) => lines.get(service.key) ?? []),
  };
}

/** Finishes or undoes interrupted rolls of opted-in services. Resolves with the failed ones. Raises the errors of `updateServices`. */
export async function recoverOptedIn<S extends Named>(
  ports: Ports,
  target: Target<S>,
  options: Omit<UpdateOptions, 'dryRun'>,
): Promise<ServiceUpdate[]> {
  const { chosen, lines } = await recoverAndCheck(ports, target, { ...options, dryRun: false });
  return chosen.flatMap(({ service, line }) => (line ? [] : (lines.get(service.key) ?? [])));
}

async function checkAll<S extends Named>(
  target: Target<S>,
  services: readonly S[],
  { signal, here, overrides }: UpdateOptions,
): Promise<Checked[]> {
  try {
    return services.length > 0 ? await target.check(services, { signal, here, overrides }) : [];
  } catch (raised) {
    return signal.aborted ? fail('interrupted', 'interrupted; nothing was rolled') : Promise.reject(raised);
  }
}

function stopFor(line: ServiceUpdate): [string, string][] {
  const why = stopsOthers(line);
  return why === undefined ? [] : [[line.service, why]];
}

interface Rollable<S> extends Dependent {
  readonly service: S;
  readonly checked: Checked;
}

/** The progress of a run: the lines of services, and the reasons for dependents of failed ones. */
interface Results {
  readonly lines: Map<string, ServiceUpdate>;
  readonly failed: Map<string, string>;
}

// Interrupted rolls are finished or undone first: a check would not know their state.
async function recoverAndCheck<S extends Named>(
  ports: Ports,
  target: Target<S>,
  options: UpdateOptions,
): Promise<{ look: Look<S>; chosen: OptedIn<S>[]; lines: Map<string, ServiceUpdate> }> {
  const { only, dryRun, signal } = options;
  const lookNow = async (): Promise<{ look: Look<S>; chosen: OptedIn<S>[] }> => {
    const look = await target.look();
    const chosen = await optedIn(ports, target, look, options);
    return { look, chosen: only ? chosen.filter(({ service }) => only.has(service.key)) : chosen };
  };
  const first = await lookNow();
  const open = first.chosen.flatMap(({ service, line }) => (line ? [] : [service]));
  const recovered = dryRun ? { any: false, failed: new Map() } : await first.look.recover(open, signal);
  const { look, chosen } = recovered.any ? await lookNow() : first;
  const lines = new Map(chosen.flatMap(({ line }) => (line ? [[line.service, line]] : [])));
  for (const [service, raised] of recovered.failed) {
    const error = reportedError(raised);
    const outcome = error.code === 'busy' ? 'waiting' : 'failed';
    lines.set(service, { service, outcome, because: error.message, error });
  }
  return { look, chosen, lines };
}

interface Moment<S extends Named> {
  readonly target: Target<S>;
  /** Milliseconds of the engine's clock. */
  readonly now: number;
  readonly options: UpdateOptions;
}

// An error in one service must not keep the others from being updated.
async function decided<S extends Named>(
  moment: Moment<S>,
  one: Open<S>,
  checked: Checked,
): Promise<ServiceUpdate | undefined> {
  try {
    return await decide(moment, one, checked);
  } catch (raised) {
    if (moment.options.signal.aborted) throw raised;
    const error = reportedError(raised);
    return { ...lineOf(checked), outcome: 'unknown', because: error.message, error };
  }
}

interface Open<S> {
  readonly service: S;
  readonly policy: Policy;
}

async function decide<S extends Named>(
  { target, now, options }: Moment<S>,
  { service, policy }: Open<S>,
  checked: Checked,
): Promise<ServiceUpdate | undefined> {
  const { digest = '', created } = checked.to ?? {};
  const built = builtAt(created);
  const seen = options.firstSeen?.get(digest) ?? now;
  options.firstSeen?.set(digest, seen);
  const facts = await target.facts(service);
  const line = waitingLine(checked, policy, { ...facts, imageSince: built ?? seen }, now);
  return line && built === undefined && !options.firstSeen ? agelessLine(line, policy) : line;
}

// Services in a dependency cycle or with a missing dependency are not rolled, and neither are their dependents.
function inOrder<S extends Named>(
  rolls: readonly Rollable<S>[],
  dependencies: Dependencies,
  lines: Results['lines'],
  failed: Results['failed'],
): Rollable<S>[] {
  return rolls.flatMap((one) => {
    try {
      return [{ ...one, dependsOn: dependencies.of(one.key) }];
    } catch (raised) {
      const error = reportedError(raised);
      lines.set(one.key, { ...lineOf(one.checked), outcome: 'unknown', because: error.message, error });
      failed.set(one.key, 'whose order is not known');
      return [];
    }
  });
}

// A container in another's namespaces is re-created by the other's roll, and comes after it; services that depend on each other
// are tied already.
async function withTies<S extends Named>(
  look: Look<S>,
  rolls: readonly Rollable<S>[],
  { known }: Dependencies,
): Promise<Rollable<S>[]> {
  const before = new Map(rolls.map(({ key, dependsOn }) => [key, dependsOn]));
  for (const { key, service } of rolls) {
    const owners = (await look.tiedTo(service)).filter((owner) => before.has(owner));
    const free = owners.filter((owner) => !known(owner).includes(key) && !before.get(owner)?.includes(key));
    const more = free.flatMap((owner) => [owner, ...(before.get(owner) ?? [])]);
    before.set(key, [...new Set([...(before.get(key) ?? []), ...more])]);
  }
  return rolls.map((one) => ({ ...one, dependsOn: before.get(one.key) ?? [] }));
}

interface Scene<S extends Named> {
  readonly ports: Ports;
  readonly target: Target<S>;
  readonly way: Rolls<S>;
  readonly mates: TagMates;
}

async function rollThem<S extends Named>(
  scene: Scene<S>,
  options: UpdateOptions,
  rolls: readonly Rollable<S>[],
  { lines, failed }: Results,
): Promise<void> {
  const { ports, target, way } = scene;
  const told = (one: Rollable<S>, line: Omit<ServiceUpdate, 'service'>): void =>
    void lines.set(one.key, { ...lineOf(one.checked), ...line });
  const holdBack = (): readonly Rollable<S>[] => {
    const held = heldBack(rolls, failed);
    for (const one of rolls) {
      const because = held.get(one.key);
      if (because !== undefined) told(one, { outcome: 'waiting', because });
    }
    return rolls.filter(({ key }) => !held.has(key));
  };
  const free = holdBack();
  if (options.dryRun) {
    for (const one of free)
      told(one, { outcome: 'available', because: `${one.checked.because}; it would be rolled`, due: true });
    return;
  }
  if (free.length > 0) await target.beforeRolls();
  const { signal } = options;
  const atOnce = ports.config().maxRollsAtOnce;
  // swapctl's own container comes last: its roll ends this run.
  for (const turn of [
    free.filter((one) => !target.runsIn(one.service)),
    free.filter((one) => target.runsIn(one.service)),
  ])
    await rollInOrder(turn, { failed, atOnce, signal }, async (one) => {
      const later = free.filter((other) => other !== one && !lines.has(other.key)).map(({ service }) => service.key);
      const line = rolledLine(one.checked, await way.roll(ports, one.service, foundBy(target, one), later));
      lines.set(one.key, line);
      if (refusesTag(line.report?.error)) await takeMatesBack(scene, rolls, lines, one.key);
      return stopsOthers(line);
    });
  holdBack();
  const because = 'the run was interrupted before it was rolled';
  for (const one of rolls)
    if (!lines.has(one.key))
      told(one, { outcome: 'available', because, error: { code: 'interrupted', message: because } });
}

// None of them is being rolled now: services of one tag follow each other.
async function takeMatesBack<S extends Named>(
  { ports, target, way, mates }: Scene<S>,
  rolls: readonly Rollable<S>[],
  lines: Results['lines'],
  failed: string,
): Promise<void> {
  const others = rolls.filter(({ key }) => mates.get(failed)?.includes(key));
  for (const { key, service, checked } of others.toReversed()) {
    const [image] = target.imagesOf(service);
    if (!way.back || lines.get(key)?.report?.outcome !== 'rolled' || image === undefined) continue;
    ports.report({ kind: 'note', text: `${key}: ${backWith(failed)}` });
    const report = takenBack(await way.back(ports, service, image), failed);
    const { error } = report;
    const because = error?.message ?? backWith(failed);
    lines.set(key, { ...lineOf(checked), outcome: 'failed', because, report, ...(error && { error }) });
  }
}

function lineOf({ service, from, to }: Checked): Pick<ServiceUpdate, 'service' | 'from' | 'to'> {
  return { service, from, ...(to ? { to } : {}) };
}

function foundBy<S extends Named>(target: Target<S>, { service, checked }: Rollable<S>): CheckedTarget {
  const { reference, digest } =
    checked.to ?? fail('bad-answer', `nothing is known of what is newer for ${service.key}`);
  return { kind: 'checked', reference, digest, over: target.imagesOf(service) };
}
