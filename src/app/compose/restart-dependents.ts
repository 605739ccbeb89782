import { engineDeadlineMs } from '../../core/health/health.ts';
import type { Container, ContainerSummary } from '../../core/model/container.ts';
import { EngineError, isNotFound } from '../../core/model/engine-error.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import { isTied } from '../../core/model/references.ts';
import type { Restarted, ServiceReport } from '../../core/report/report.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import { composeKey, type RestartedService, restartedAfter } from '../../core/service/compose-depends.ts';
import { decodeState } from '../../core/service/labels.ts';
import type { Ports } from '../../ports/ports.ts';
import { guarded } from '../lock/guard.ts';
import { takeLock } from '../lock/held-lock.ts';
import { checkStart } from '../rollout/steps/start-check.ts';
import { dependentsOn, othersOf } from '../select/neighbours.ts';
import { listed } from '../select/own.ts';

/**
 * Restarts the services that compose restarts after a replacement (`depends_on` with `restart: true`), if the roll replaced a container,
 * and adds the results to its report.
 */
export async function withRestarts(ports: Ports, report: ServiceReport): Promise<ServiceReport> {
  if (!hasReplaced(report)) return report;
  const done = await restartDependents(ports, report.service).catch((raised) => notRestarted(report.service, raised));
  const { restarted, concerns } = Array.isArray(done) ? { restarted: done, concerns: done.flatMap(concernOf) } : done;
  const attention = [...(report.attention ?? []), ...concerns];
  return {
    ...report,
    ...(restarted.length > 0 ? { restarted } : {}),
    ...(attention.length > 0 ? { attention } : {}),
  };
}

// The roll is done, even if the restarts fail.
function notRestarted(service: string, raised: unknown): { restarted: Restarted[]; concerns: ReportedError[] } {
  const why = whyNot(raised);
  const message = `what depends on ${service} with restart: true ${why}`;
  const hint = `if there is any, restart it: docker compose restart`;
  return { restarted: [], concerns: [{ code: 'attention', message, hint, state: 'new-serves' }] };
}

/** True: a roll has replaced a container. If it needs attention, the recovery that ends it restarts the dependents. */
export function hasReplaced(report: ServiceReport): boolean {
  const outcomes = (report.replicas ?? [report]).map(({ outcome }) => outcome);
  const changed = outcomes.includes('rolled') || outcomes.includes('rolled-back');
  return changed && report.error?.code !== 'attention';
}

function concernOf({ container, error }: Restarted): ReportedError[] {
  const hint = `see docker logs ${container}, then docker restart ${container}`;
  if (error === undefined) return [];
  return [{ code: 'attention', message: `${container} ${error}`, hint, state: 'new-serves' }];
}

/** The same after a recovery has finished a roll; failures are noted. */
export async function restartAfterRecovery(ports: Ports, key: string): Promise<void> {
  noteFailures(ports, await restartDependents(ports, key));
}

/**
 * The same if a roll died after its last step and before the restarts: of the dependents, only those that have not started since swapctl
 * created the containers of the service.
 */
export async function restartMissed(ports: Ports, key: string): Promise<void> {
  const all = await listed(ports.engine);
  const since = await replacedAt(ports, key, all);
  if (since === undefined || restartedAfter(key, all).length === 0) return;
  const images = all.flatMap(({ labels, imageId }) => (composeKey(labels) === key ? [imageId] : []));
  // Another death in the middle leaves a lock again, which shows the rest to the next recovery.
  const heldLock = await takeLock(ports, key, images).catch(unlessBusy);
  if (!heldLock) return;
  try {
    noteFailures(ports, await restartDependents(guarded(ports, heldLock), key, since));
  } finally {
    await heldLock.release();
  }
}

// The process that rolls it now restarts them afterwards.
function unlessBusy(raised: unknown): undefined {
  if (!(raised instanceof SwapError) || raised.code !== 'busy') throw raised;
}

/** The creation of the newest container that swapctl made for a service; undefined if it made none of the present ones. */
async function replacedAt(ports: Ports, key: string, all: readonly ContainerSummary[]): Promise<number | undefined> {
  const members = all.filter(({ labels }) => composeKey(labels) === key);
  const replaced = members.filter(({ labels }) => decodeState(labels)?.replaces !== undefined);
  const containers = await Promise.all(replaced.map(({ id }) => ports.engine.container(id)));
  const times = containers.flatMap((container) => container?.createdAt ?? []);
  return times.length > 0 ? Math.max(...times) : undefined;
}

function noteFailures(ports: Ports, restarted: readonly Restarted[]): void {
  for (const { message, hint } of restarted.flatMap(concernOf))
    ports.report({ kind: 'note', text: `${message}; ${hint}` });
}

async function restartDependents(ports: Ports, key: string, since = Infinity): Promise<Restarted[]> {
  const restarted: Restarted[] = [];
  const all = await listed(ports.engine);
  const replaced: Replaced = { key, since, members: all.filter(({ labels }) => composeKey(labels) === key) };
  for (const service of restartedAfter(key, all)) restarted.push(...(await restartService(ports, service, replaced)));
  return restarted;
}

/** A service whose containers were replaced, and the time since which a dependent must have started. */
interface Replaced {
  readonly key: string;
  readonly since: number;
  readonly members: readonly ContainerSummary[];
}

// Under the lock of the dependent, so that no roll of it loses the container during its restart.
async function restartService(
  ports: Ports,
  { key, containers }: RestartedService,
  replaced: Replaced,
): Promise<Restarted[]> {
  const due = await startedBefore(ports, containers, replaced);
  if (due.length === 0) return [];
  const names = due.map(({ name }) => name).join(', ');
  const text = `${key}: restart ${names}, since it depends on ${replaced.key} (depends_on, restart: true)`;
  ports.report({ kind: 'note', text });
  try {
    const images = due.map(({ imageId }) => imageId);
    const heldLock = await takeLock(ports, key, images);
    try {
      return await restartAll(guarded(ports, heldLock), due);
    } finally {
      await heldLock.release();
    }
  } catch (raised) {
    return due.map(({ name }) => ({ container: name, error: whyNot(raised) }));
  }
}

async function startedBefore(
  ports: Ports,
  containers: readonly ContainerSummary[],
  { since, members }: Replaced,
): Promise<ContainerSummary[]> {
  const seen = await Promise.all(containers.map(({ id }) => ports.engine.container(id)));
  // The roll has already re-created those in the namespaces of a new container.
  const isAnew = (one: Container): boolean => members.some((member) => isTied(one, member));
  return containers.filter((_, at) => {
    const one = seen[at];
    return one !== undefined && one.startedAt < since && !isAnew(one);
  });
}

// One after the other, so that other replicas answer meanwhile.
async function restartAll(ports: Ports, containers: readonly ContainerSummary[]): Promise<Restarted[]> {
  const restarted: Restarted[] = [];
  for (const container of containers) {
    const own = await restartOne(ports, container);
    if (own) restarted.push(own);
    if (own && own.error === undefined) restarted.push(...(await restartTenants(ports, container)));
  }
  return restarted;
}

// The namespaces of a container end with its processes: containers in them would be left in dead ones.
async function restartTenants(ports: Ports, owner: ContainerSummary): Promise<Restarted[]> {
  const all = await listed(ports.engine);
  const names = dependentsOn(owner, await othersOf(ports, owner, all));
  const tenants = all.filter(({ name }) => names.includes(name));
  const restarted = await Promise.all(tenants.map((tenant) => restartOne(ports, tenant)));
  return restarted.filter((one) => one !== undefined);
}

async function restartOne(ports: Ports, { id, name }: ContainerSummary): Promise<Restarted | undefined> {
  if (id === ports.host.containerId) return { container: name, error: 'was not restarted: swapctl runs in it' };
  const began = ports.clock.now();
  try {
    await refuseLost(ports, id, name);
    await ports.engine.restart(id);
    const error = await whyDown(ports, id);
    return { container: name, ms: ports.clock.now() - began, ...(error === undefined ? {} : { error }) };
  } catch (raised) {
    // A user replaced or removed it: the present one was started after the roll.
    if (isNotFound(raised)) return undefined;
    return { container: name, error: whyNot(raised) };
  }
}

// A restart that the engine could not finish would leave it down.
async function refuseLost(ports: Ports, id: string, name: string): Promise<void> {
  const container = await ports.engine.container(id);
  if (container) await checkStart(ports, { service: name, slotName: name }, container);
}

function whyNot(raised: unknown): string {
  if (!(raised instanceof EngineError || raised instanceof SwapError)) throw raised;
  return `could not be restarted: ${messageOf(raised)}`;
}

const LOOK_EVERY_MS = 200;

/** Waits until the engine has judged a newly started container; undefined: it is healthy. */
async function whyDown(ports: Ports, id: string): Promise<string | undefined> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const container = await ports.engine.container(id);
    if (!container) return undefined;
    const why = whyNotWell(container);
    if (why !== 'starting') return why;
    if (waitedMs > engineDeadlineMs(container.config.Healthcheck ?? {}) + LOOK_EVERY_MS * 5)
      return 'was restarted, but has not become healthy';
    await ports.clock.sleep(LOOK_EVERY_MS);
  }
}

function whyNotWell({ status, exitCode, health }: Container): string | undefined {
  if (status !== 'running') return `was restarted, but does not run: it is ${status} (exit code ${exitCode})`;
  if (health?.status === 'unhealthy') return 'was restarted, but is unhealthy';
  return health?.status === 'starting' ? 'starting' : undefined;
}
