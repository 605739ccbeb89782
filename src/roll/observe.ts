import type { Container, ContainerSummary, Image } from '../core/container.ts';
import { ownLabels } from '../core/container.ts';
import { judge, settledAt } from '../core/health.ts';
import { runs } from '../core/image.ts';
import { decodeState, type StateLabels } from '../core/labels.ts';
import { homeOf } from '../core/names.ts';
import type { Dependent, Failure, Observed, Replica } from '../core/observed.ts';
import { parseReference } from '../core/reference.ts';
import { helperRole } from '../core/service.ts';
import { castRoles } from '../core/slot.ts';
import type { Cover, Forward } from '../core/traffic.ts';
import { recall, type SlotRun } from './slot-run.ts';

/** The planner's view, and the containers behind it for those who execute. */
export interface Snapshot {
  readonly seen: Observed;
  readonly incumbent: Container | undefined;
  readonly candidate: Container | undefined;
  readonly rehearsal: Container | undefined;
  readonly standIn: Container | undefined;
}

/** Reads the engine into one snapshot of the slot. */
export async function observe(run: SlotRun): Promise<Snapshot> {
  const { ports, names, memory } = run;
  const all = await ports.engine.list();
  const mates = all.filter((container) => homeOf(container.name) === names.home);
  const replicas = await inspectAll(
    run,
    mates.filter((container) => helperRole(container) === undefined),
  );
  const [standIn] = await inspectAll(
    run,
    mates.filter((container) => helperRole(container) === 'stand-in'),
  );
  const [rehearsal] = await inspectAll(
    run,
    mates.filter((container) => helperRole(container) === 'rehearsal'),
  );
  const wanted = await imageOf(run, run.desired.image.id);
  const views = await Promise.all(replicas.map((container) => view(run, container, wanted)));
  const { incumbent, candidate } = castRoles(names.home, views, run.desired.roll);
  const seen: Observed = {
    names,
    incumbent,
    candidate,
    rehearsal: rehearsal && (await view(run, rehearsal, wanted)),
    rehearsed: memory.rehearsed,
    standIn: standIn && (await view(run, standIn, wanted)),
    cover: await coverOf(run, standIn),
    forwards: run.gates,
    forwarding: await forwardsOf(run, [...replicas, ...(standIn ? [standIn] : [])], candidate?.replaces),
    gates: run.gates,
    failures: failuresIn(all, names.home),
    dependents: await dependentsOf(run, replicas),
    localTag: await localTag(run),
    incumbentKept: await isKept(run, incumbent),
    vanished: [...memory.candidates].filter((id) => !replicas.some((container) => container.id === id)).length,
    giveUp: memory.giveUp,
  };
  const behind = (replica: Replica | undefined): Container | undefined =>
    replicas.find((container) => container.id === replica?.id);
  return { seen, incumbent: behind(incumbent), candidate: behind(candidate), rehearsal, standIn };
}

/** The images that failed in a slot, from the inert containers that remember them. */
export function failuresIn(containers: readonly ContainerSummary[], home: string): Failure[] {
  return containers.flatMap((container) => {
    if (helperRole(container) !== 'failed') return [];
    const state = decodeState(container.labels);
    if (state?.slot !== home || !state.failure) return [];
    const { image, digest, roll, at } = state;
    return [
      {
        id: container.id,
        name: container.name,
        image,
        digest,
        roll,
        at,
        code: state.failure.code,
        reason: state.failure.reason,
      },
    ];
  });
}

/** The state labels of a container that are really its own. */
export async function stateOf(
  run: Pick<SlotRun, 'ports' | 'memory'>,
  container: Container,
): Promise<StateLabels | undefined> {
  return decodeState(ownLabels(container, await imageOf(run, container.imageId)));
}

/** An image by id, asked for once in a run: what an id names never changes. */
export async function imageOf(run: Pick<SlotRun, 'ports' | 'memory'>, id: string): Promise<Image | undefined> {
  const { images } = run.memory;
  const known = images.get(id) ?? (await run.ports.engine.image(id));
  images.set(id, known);
  return known;
}

async function inspectAll(run: SlotRun, summaries: readonly ContainerSummary[]): Promise<Container[]> {
  const inspected = await Promise.all(summaries.map((summary) => run.ports.engine.container(summary.id)));
  return inspected.filter((container) => container !== undefined);
}

async function view(run: SlotRun, container: Container, wanted: Image | undefined): Promise<Replica> {
  const state = await stateOf(run, container);
  const verdict = judge(container, run.policy, recall(run, container.id), run.now());
  const missing = state?.roll === undefined || run.memory.copied.has(container.id) ? [] : run.inlineFiles;
  return {
    id: container.id,
    name: container.name,
    imageId: container.imageId,
    current: wanted !== undefined && runs(container, wanted),
    running: ['running', 'restarting', 'paused'].includes(container.status),
    starts: run.memory.starts.get(container.id) ?? 0,
    complete: run.memory.created.has(container.id),
    verdict,
    settled: verdict.kind === 'healthy' && run.now() >= settledAt(container, run.policy, verdict.since),
    drained: run.memory.drained.has(container.id),
    shut: run.memory.shut.has(container.id) || run.memory.turnedAway.has(container.id),
    missingFiles: missing,
    autoRemove: container.host.AutoRemove ?? false,
    roll: state?.roll,
    replaces: state?.replaces,
    way: state?.way,
    follows: state?.follows || (container.config.Image ?? ''),
    tagBefore: state?.tagBefore,
    imageBefore: state?.imageBefore,
    restart: container.host.RestartPolicy ?? { Name: 'no' },
    held: run.memory.held.get(container.id),
  };
}

// Only a handover has a cover; everywhere else there is no need to ask the kernel.
async function coverOf(run: SlotRun, standIn: Container | undefined): Promise<Cover> {
  const concerned = run.desired.choice.way === 'handover' || standIn !== undefined;
  return concerned ? run.ports.kernel.cover(run.names.home) : 'none';
}

// Rules of a dead roll count as well, so the kernel is asked wherever there may be any.
async function forwardsOf(
  run: SlotRun,
  containers: readonly Container[],
  replaced: string | undefined,
): Promise<Forward[]> {
  const { memory, movesTraffic, desired } = run;
  const alone = containers.length < 2 && memory.created.size === 0 && !desired.mendOnly;
  if (!movesTraffic || alone) return [];
  const ids = [
    ...containers.map((container) => container.id),
    ...memory.forwarded.keys(),
    ...(replaced ? [replaced] : []),
  ];
  const known = (short: string): string => ids.find((id) => id.startsWith(short)) ?? short;
  const leading = (await run.ports.kernel.forwarding())
    .map(({ from, to }) => ({ from: known(from), to: known(to), state: 'leads' as const }))
    .filter(({ from, to }) => ids.includes(from) || ids.includes(to));
  const past = memory.forwards.filter((one) => !leading.some(({ from, to }) => one.from === from && one.to === to));
  return [...leading, ...past];
}

async function dependentsOf(run: SlotRun, replicas: readonly Container[]): Promise<Dependent[]> {
  const containers = await Promise.all(run.dependents.map((name) => run.ports.engine.container(name)));
  return containers.flatMap((container) => {
    if (!container) return [];
    const linked = replicas.filter((replica) => isLinked(container, replica.name)).map((replica) => replica.id);
    return [...namespaceOwners(container), ...linked].map((on) => ({ name: container.name, on }));
  });
}

/**
 * Whether a container is linked on the default bridge to the one of that name. The engine ties such a link to the very
 * container: with that gone, the other can't even be exec'd into.
 */
export function isLinked(container: Pick<Container, 'host'>, to: string): boolean {
  return (container.host.Links ?? []).some((link) => link.startsWith(`/${to}:`));
}

/** Ids (or names) of the containers in whose namespaces a container lives. */
export function namespaceOwners(container: Pick<Container, 'host'>): string[] {
  const modes = [container.host.NetworkMode, container.host.PidMode, container.host.IpcMode];
  const owners = modes.flatMap((mode) => (mode?.startsWith('container:') ? [mode.slice('container:'.length)] : []));
  return [...new Set(owners)];
}

// undefined: it can't be moved, since it names a digest; empty: no image bears it yet.
async function localTag(run: SlotRun): Promise<string | undefined> {
  const { follows } = run.desired.image;
  if (parseReference(follows).tag === undefined) return undefined;
  return (await run.ports.engine.image(follows))?.id ?? '';
}

async function isKept(run: SlotRun, incumbent: Replica | undefined): Promise<boolean> {
  if (!incumbent || incumbent.imageId === run.desired.image.id || run.policy.keep === 0) return true;
  if ((await run.ports.engine.image(run.desired.keepReference))?.id === incumbent.imageId) return true;
  // One that is gone already can't be kept.
  return (await run.ports.engine.image(incumbent.imageId)) === undefined;
}
