import { noticedNow, verdictWithinMs } from '../../core/health/engine-verdict.ts';
import { failuresIn } from '../../core/health/failures.ts';
import { judge, settledAt, type Verdict } from '../../core/health/health.ts';
import type { Container, ContainerSummary, Image } from '../../core/model/container.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { runs } from '../../core/model/image.ts';
import { parseReference } from '../../core/model/reference.ts';
import { isTied, livesIn } from '../../core/model/references.ts';
import { withGates } from '../../core/rollout/address-redirect.ts';
import { isProven } from '../../core/rollout/handover.ts';
import type { Backup, Dependent, Failure, Observed, Replica } from '../../core/rollout/observed.ts';
import { decodeState, slotLabel } from '../../core/service/labels.ts';
import { copyState, helpersOf, membersOf } from '../../core/service/ownership.ts';
import { castRoles } from '../../core/service/slot.ts';
import { routeOf } from '../proxy/route.ts';
import { recordedFailures } from '../recovery/failures.ts';
import { cannotUpdate } from '../select/engine-capabilities.ts';
import { imageOf, listed, stateOf } from '../select/own.ts';
import { addressRedirectsOf, portRedirectOf } from '../traffic/rules-seen.ts';
import { recall, type SlotRun, settlesFrom } from './slot-run.ts';
import type { Snapshot } from './snapshot.ts';
import { lookAtPorts } from './steps/answered-ports.ts';
import { withBlame } from './steps/blame.ts';
import { hooksOf } from './steps/hooks-seen.ts';
import { backupsOf } from './steps/volumes.ts';

/** Reads the engine into one snapshot of the slot. */
export async function observe(run: SlotRun): Promise<Snapshot> {
  const { ports, names, memory } = run;
  const all = await listed(ports.engine);
  const [replicas, [standIn], [rehearsal], wanted] = await Promise.all([
    inspectAll(run, membersOf(all, names.slotName)),
    inspectAll(run, helpersOf(all, names.slotName, 'stand-in')),
    inspectAll(run, helpersOf(all, names.slotName, 'rehearsal')),
    imageOf(run, run.desired.image.id),
  ]);
  const views = await Promise.all(replicas.map((container) => view(run, container, wanted)));
  const { incumbent, candidate } = castRoles(names.slotName, views, run.desired.roll);
  // Each of them asks another program, or the engine, so they run in parallel.
  const [addressRedirects, portRedirect, failures, dependents, copies, tag, incumbentKept, route] = await Promise.all([
    addressRedirectsOf(run, [...replicas, ...(standIn ? [standIn] : [])], candidate?.replaces),
    portRedirectOf(run, standIn),
    failuresOf(run),
    dependentsOf(run, replicas, (candidate ?? incumbent)?.replaces),
    copiesOf(run, all, candidate),
    taggedImage(run),
    isKept(run, incumbent),
    routeOf(run, all, replicas),
  ]);
  const behind = (replica: Replica | undefined): Container | undefined =>
    [...replicas, rehearsal, standIn].find((container) => container?.id === replica?.id);
  const blamed = (replica: Replica | undefined): Promise<Replica | undefined> =>
    withBlame(run, replica, behind(replica), {
      replica: incumbent,
      container: behind(incumbent),
      redirected: isRedirected(incumbent, addressRedirects),
    });
  const seen = withGates({
    names,
    incumbent,
    candidate: await blamed(candidate),
    rehearsal: await blamed(rehearsal && (await view(run, rehearsal, wanted))),
    rehearsed: memory.rehearsed,
    startChecks: [...memory.startChecks],
    standIn: await blamed(standIn && (await view(run, standIn, wanted))),
    portRedirect,
    redirectsAddresses: run.forwards,
    addressRedirects,
    gates: run.gates && run.policy.gate,
    failures,
    dependents,
    ...copies,
    restored: [...memory.restored],
    taggedImage: tag,
    incumbentKept,
    ...(await vanishedOf(run, replicas, incumbent)),
    hooks: hooksOf(run),
    watched: [...memory.watched.keys()],
    route,
    giveUp: memory.giveUp,
  });
  return { seen, incumbent: behind(incumbent), candidate: behind(candidate), rehearsal, standIn };
}

async function failuresOf({ ports, names, memory }: SlotRun): Promise<Failure[]> {
  const failures = failuresIn(await recordedFailures(ports.engine), names.slotName);
  return failures.filter(({ name }) => !memory.leftRecords.has(name));
}

function isRedirected(incumbent: Replica | undefined, addressRedirects: Observed['addressRedirects']): boolean {
  return addressRedirects.some(({ from, state }) => state === 'leads' && incumbent?.id.startsWith(from) === true);
}

async function inspectAll(run: SlotRun, summaries: readonly ContainerSummary[]): Promise<Container[]> {
  const inspected = await Promise.all(summaries.map((summary) => run.ports.engine.container(summary.id)));
  return inspected.filter((container) => container !== undefined);
}

async function view(run: SlotRun, container: Container, wanted: Image | undefined): Promise<Replica> {
  const state = await stateOf(run, container);
  if (state?.roll !== undefined) {
    await learnWhoEnded(run, container);
    await learnLastExit(run, container);
  }
  await lookAtPorts(run, container);
  const verdict = verdictOn(run, container);
  const brief = isProven({ strategy: state?.strategy });
  const settlesAt = (since: number): number =>
    settledAt(container, run.policy, settlesFrom(run, container, since), { brief });
  const missing = state?.roll === undefined || run.memory.copied.has(container.id) ? [] : run.inlineFiles;
  return {
    id: container.id,
    name: container.name,
    imageId: container.imageId,
    current: wanted !== undefined && runs(container, wanted),
    running: ['running', 'restarting', 'paused'].includes(container.status),
    startedAt: container.startedAt,
    starts: run.memory.starts.get(container.id) ?? 0,
    complete: run.memory.created.has(container.id),
    verdict,
    settled: verdict.kind === 'healthy' && run.now() >= settlesAt(verdict.since),
    noticed: noticedNow(container, recall(run, container).engineHealthySince, run.now()),
    verdictWithinMs: verdictWithinMs(container),
    drained: run.memory.drained.has(container.id),
    shut: run.memory.shut.has(container.id) || run.memory.rejecting.has(container.id),
    missingFiles: missing,
    autoRemove: container.host.AutoRemove ?? false,
    roll: state?.roll,
    replaces: state?.replaces,
    strategy: state?.strategy,
    follows: state?.follows || (container.config.Image ?? ''),
    tagBefore: state?.tagBefore,
    saves: state?.saves ?? [],
    fillFrom: state?.fillFrom,
    imageBefore: state?.imageBefore,
    restart: container.host.RestartPolicy ?? { Name: 'no' },
    restartFixed: cannotUpdate(await run.ports.engine.facts()),
    held: run.memory.held.get(container.id),
  };
}

// An image is not to blame for a user's action on its container.
async function learnWhoEnded(run: SlotRun, container: Container): Promise<void> {
  const { id, status } = container;
  const known = recall(run, container);
  const isOurs = run.memory.drained.has(id);
  // A container with --rm looks dead, or is being removed, on its way out.
  const isDown = status === 'exited' || status === 'dead' || status === 'removing';
  if (!isDown || isOurs || known.stoppedByOthers !== undefined) return;
  const told = await run.ports.engine.wasStopped(id).catch(unknown);
  // A container that this run started came down with the engine's daemon if the engine has no record of its end.
  if (told === undefined && run.memory.starts.has(id)) run.memory.fallen.add(id);
  const end = { stoppedByOthers: told === true, endUnknown: told === undefined };
  run.memory.health.set(id, { ...known, ...end, startedAt: container.startedAt });
}

// While the next run of a container lasts, it shows no exit status of the previous run.
async function learnLastExit(run: SlotRun, container: Container): Promise<void> {
  const { id, status, restartCount, startedAt } = container;
  if (status !== 'running' || restartCount === 0 || recall(run, container).lastExit !== undefined) return;
  const told = await run.ports.engine.lastExit(id).catch(unknown);
  const lastExit = told === false ? undefined : told;
  run.memory.health.set(id, { ...recall(run, container), lastExit, startedAt });
}

// A container with --rm that ends by itself is gone as well: then only the engine's stop event shows that a user stopped it. One
// that was never started can't have ended.
async function vanishedOf(
  run: SlotRun,
  replicas: readonly Container[],
  incumbent: Replica | undefined,
): Promise<Pick<Observed, 'vanished' | 'removedByUser' | 'goneWith'>> {
  const { candidates, removedByUser, drained, starts } = run.memory;
  const vanished = [...candidates].filter((id) => !replicas.some((container) => container.id === id));
  if (!incumbent?.autoRemove) return { vanished: vanished.length, removedByUser: 0 };
  for (const id of vanished.filter((one) => !removedByUser.has(one)))
    removedByUser.set(
      id,
      !starts.has(id) || (await isElsewhere(run, id)) || (!drained.has(id) && (await wasStopped(run, id))),
    );
  const byThemselves = vanished.filter((id) => !removedByUser.get(id));
  const [id] = byThemselves;
  const told = id === undefined ? undefined : await run.ports.engine.lastExit(id).catch(unknown);
  const goneWith = told === false ? undefined : told;
  return { vanished: vanished.length, removedByUser: vanished.length - byThemselves.length, goneWith };
}

// A user renamed it.
async function isElsewhere(run: SlotRun, id: string): Promise<boolean> {
  return (await run.ports.engine.container(id)) !== undefined;
}

async function wasStopped(run: SlotRun, id: string): Promise<boolean> {
  return (await run.ports.engine.wasStopped(id).catch(unknown)) === true;
}

// An engine that can't answer now must not keep a roll from its end.
function unknown(error: unknown): false {
  if (error instanceof EngineError) return false;
  throw error;
}

// Ask for volumes only if some are, or were, backed up.
async function copiesOf(
  run: SlotRun,
  all: readonly ContainerSummary[],
  candidate: Replica | undefined,
): Promise<Pick<Observed, 'backups' | 'halfCopied' | 'looseCopies'>> {
  const { ports, names, desired } = run;
  const backups = await backupsOf(ports, all, names.slotName);
  const [copying] = helpersOf(all, names.slotName, 'copying');
  const halfCopied = copying && {
    id: copying.id,
    name: copying.name,
    copies: (decodeState(copying.labels)?.copies ?? []).map(({ copy }) => copy),
  };
  const concerned = desired.backup.volumes.length > 0 || backups.length > 0 || candidate?.saves.length;
  return { backups, halfCopied, looseCopies: concerned ? await looseCopies(run, backups) : [] };
}

async function looseCopies(run: SlotRun, backups: readonly Backup[]): Promise<Observed['looseCopies']> {
  const known = new Set(backups.flatMap(({ copies }) => copies.map(({ copy }) => copy)));
  const volumes = await run.ports.engine.volumes(slotLabel(run.names.slotName));
  return volumes.flatMap(({ name: copy, labels }) => {
    const state = copyState({ name: copy, labels }, run.names.slotName);
    return state && !known.has(copy) && !run.memory.leftCopies.has(copy) ? [{ copy, at: state.at }] : [];
  });
}

const FELL = 'it came down with the daemon of the engine';

// The engine's record, and its answers to this run.
function verdictOn(run: SlotRun, container: Container): Verdict {
  const { fallen, unstartable } = run.memory;
  const verdict = judge(container, run.policy, recall(run, container), run.now());
  const refused = unstartable.get(container.id);
  if (verdict.kind === 'unstarted' && refused !== undefined)
    return { kind: 'failed', reason: `it can't be started: ${refused}`, blame: 'image', by: 'start' };
  if (verdict.kind === 'failed' && fallen.has(container.id)) return { ...verdict, reason: FELL, blame: 'host' };
  return verdict;
}

// Other owners that they live with (of a pid namespace, of a network) do not concern the slot.
async function dependentsOf(
  run: SlotRun,
  replicas: readonly Container[],
  replaced: string | undefined,
): Promise<Dependent[]> {
  const gone = [...run.memory.candidates, ...(replaced ? [replaced] : [])].map((id) => ({ id, name: id }));
  const ofSlot = [...replicas, ...gone.filter(({ id }) => !replicas.some((replica) => replica.id === id))];
  const { moving } = run.memory;
  const whole = run.dependents.filter((name) => !moving.has(name));
  const containers = await Promise.all(whole.map((name) => run.ports.engine.container(name)));
  const halfMoved = [...moving.keys()].map((name) => ({ name, on: NOBODY, inside: true }));
  const found = containers.flatMap((container) => {
    if (!container) return [];
    return ofSlot.filter((one) => isTied(container, one)).map((one) => dependentOn(container, one));
  });
  return [...found, ...halfMoved];
}

type Owner = Pick<Container, 'id' | 'name'> & Partial<Pick<Container, 'startedAt' | 'status'>>;

// A start makes new namespaces: containers started before it are still in the old ones.
function dependentOn(container: Container, owner: Owner): Dependent {
  const inside = livesIn(container, owner);
  const isLeft = inside && owner.status === 'running' && (owner.startedAt ?? 0) > container.startedAt;
  return { name: container.name, on: isLeft ? NOBODY : owner.id, inside };
}

// A container that is half moved, or in old namespaces, has to move on, to any owner.
const NOBODY = 'nobody';

// undefined: it can't move, since it names a digest; empty: no image has the tag yet.
async function taggedImage(run: SlotRun): Promise<string | undefined> {
  const { follows } = run.desired.image;
  if (parseReference(follows).tag === undefined) return undefined;
  return (await run.ports.engine.image(follows))?.id ?? '';
}

async function isKept(run: SlotRun, incumbent: Replica | undefined): Promise<boolean> {
  if (!incumbent || incumbent.imageId === run.desired.image.id || run.policy.keep === 0) return true;
  if ((await run.ports.engine.image(run.desired.keepReference))?.id === incumbent.imageId) return true;
  // An image that is gone can't be retained.
  return (await run.ports.engine.image(incumbent.imageId)) === undefined;
}
