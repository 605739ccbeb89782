import { attachedNote } from '../core/attached.ts';
import { type Container, type ContainerSummary, namespaceOwner } from '../core/container.ts';
import { type EngineVerdict, engineVerdictFor } from '../core/engine-verdict.ts';
import { fail } from '../core/error.ts';
import { fixedPorts } from '../core/exclusive.ts';
import { type KernelLayer, layerNotes } from '../core/kernel-layer.ts';
import { COMPOSE_FILES, COMPOSE_SERVICE } from '../core/label-keys.ts';
import { decodeState } from '../core/labels.ts';
import { homeOf } from '../core/names.ts';
import type { Failure, WantedBackup } from '../core/observed.ts';
import { whyNotOne } from '../core/one-service.ts';
import type { OwnLabels } from '../core/own-labels.ts';
import { refuseStrangers } from '../core/ownership.ts';
import type { Policy } from '../core/policy.ts';
import { inlineFiles, likelyInlineFiles } from '../core/recreate/compose.ts';
import { resolvesNames } from '../core/recreate/networks.ts';
import { needsHost } from '../core/recreate/start-check.ts';
import { isImageId } from '../core/reference.ts';
import { follow, type Reference, requiredBy, type Successors } from '../core/references.ts';
import { type Service, type Slot, whyNotRollable } from '../core/service.ts';
import { isThere, predecessorsOf, successorOf, successorsOf } from '../core/successors.ts';
import type { Track } from '../core/track.ts';
import { type Choice, chooseWay } from '../core/way.ts';
import type { Ports } from '../ports.ts';
import { type AnsweredPorts, answeredPorts } from './answered-ports.ts';
import { askBefore, failsNow } from './blame.ts';
import { knownUserSet } from './create.ts';
import { kernelLayerFor } from './kernel-layer.ts';
import { dependentsOn, mountingNote, othersOf, stillNamed } from './neighbours.ts';
import { failuresIn } from './observe.ts';
import { imageOf, ownOf, stateOf } from './own.ts';
import { refuseOwned } from './owned.ts';
import { addressOf } from './probe.ts';
import { servedOf } from './served.ts';
import { settingsOf, uncountedIn } from './settings.ts';
import { freshMemory, type Memory } from './slot-run.ts';
import { prepareVolumes } from './volumes.ts';

/** One slot, looked at and found fit to be rolled; nothing was touched for it. */
export interface PreparedSlot {
  readonly home: string;
  readonly container: Container;
  readonly policy: Policy;
  readonly choice: Choice;
  readonly kernel: KernelLayer;
  readonly follows: string;
  /** The reference that its container follows by itself; undefined where it follows none. */
  readonly followed: string | undefined;
  /** Which tags beside the followed one count. */
  readonly track: Track;
  readonly failures: readonly Failure[];
  readonly dependents: readonly string[];
  readonly answered: AnsweredPorts;
  /** Ids of containers that served the slot before this one, which others still name. */
  readonly predecessors: readonly string[];
  readonly inlineFiles: readonly string[];
  readonly backup: WantedBackup;
  /** Whether it is checked that the container could start again before anything is touched. */
  readonly checksStart: boolean;
  readonly engineVerdict: EngineVerdict | undefined;
  readonly memory: Memory;
}

export interface PrepareOptions {
  /** Settings of the command line, by label key without the prefix. */
  readonly overrides: Readonly<Record<string, string>>;
  /** The reference that the user gave instead of the followed one. */
  readonly image: string | undefined;
  /** Whether a docker run in the foreground is to be rolled, too. */
  readonly force?: boolean | undefined;
  /** Files of the old container that the new one is to have too, beside those that compose copied. */
  readonly carry?: readonly string[] | undefined;
  /** Id of the image with which the volumes are to go back to what they were. */
  readonly volumesOf?: string | undefined;
  /** By which containers those are replaced that it shares something with. */
  readonly successors?: Successors | undefined;
}

/** Looks at every slot of a service before anything is touched. Raises `refused` and `config` with the reason. */
export async function prepareService(
  ports: Ports,
  service: Service,
  all: readonly ContainerSummary[],
  options: PrepareOptions,
): Promise<PreparedSlot[]> {
  const rollable = service.slots.filter((slot) => !isOff(slot) || service.slots.length === 1);
  const off = service.slots.length - rollable.length;
  if (off > 0)
    ports.report({
      kind: 'note',
      text: `${service.key}: ${off} stopped replica${off > 1 ? 's are' : ' is'} left as ${off > 1 ? 'they are' : 'it is'}`,
    });
  if (rollable.length === 0)
    return fail('refused', `no replica of ${service.key} is running`, { hint: 'start it, then roll it' });
  const prepared = await Promise.all(rollable.map((slot) => prepareSlot(ports, service.key, slot, all, options)));
  const why = whyNotOne(prepared.map(({ home, followed }) => ({ home, follows: followed })));
  if (why) return fail('refused', `${service.key}: ${why.message}`, { hint: why.hint });
  for (const slot of prepared) await refuseOwned(ports, service.key, slot, all, options.force ?? false);
  return prepared;
}

/** Looks at one slot of the service with that key. */
export async function prepareSlot(
  ports: Ports,
  service: string,
  slot: Slot,
  all: readonly ContainerSummary[],
  options: PrepareOptions,
): Promise<PreparedSlot> {
  const [member] = slot.members;
  if (!member) return fail('not-found', `${slot.home} has no container`);
  refuseStrangers(all, slot.home);
  refuseUnfit(member);
  const container = await ports.engine.container(member.id);
  if (!container) return fail('not-found', `${member.name} was removed just now`);
  const memory = freshMemory();
  const own = await ownOf({ ports, memory }, container);
  const policy = settingsOf(ports, service, own, options.overrides);
  const kernel = await kernelLayerFor(ports, container);
  for (const note of layerNotes(kernel, fixedPorts(container).length > 0)) memory.notes.add(note);
  const attached = attachedNote(container, own);
  if (attached !== undefined) memory.notes.add(attached);
  const backup = await prepareVolumes(
    ports,
    { container, own, home: slot.home, service },
    policy,
    all,
    options.volumesOf,
  );
  const served = await servedOf({ ports, memory }, container, all);
  const choice = chooseWay(container, policy, kernel, { copies: backup.volumes.length > 0, served });
  if (choice.kind === 'refuse') return fail('refused', `${slot.home}: ${choice.message}`, { hint: choice.hint });
  if (!(await knownUserSet({ ports, memory }, container))) {
    const text = `the image of ${container.name} is gone (a build took its tag?), so there will be no way back to it`;
    ports.report({ kind: 'note', text });
  }
  noteUncounted(ports, container, uncountedIn(ports, service, own));
  const successors = new Map([...successorsOf(container, all), ...(options.successors ?? [])]);
  refuseLost(container, all, successors);
  for (const note of followNotes(container, all)) memory.notes.add(note);
  if (!options.successors) await refuseSwarmNetwork(ports, container);
  await refuseUnreachable(ports, container, policy, successors);
  if (!options.successors) await askIncumbent(ports, container, policy, memory);
  const others = await othersOf(ports, container, all);
  const dependents = dependentsOn(container, others);
  const predecessors = stillNamed(predecessorsOf(decodeState(own)), others);
  const note = mountingNote(container, predecessors, others);
  if (note !== undefined) memory.notes.add(note);
  refuseOwn(ports, slot.home, dependents, all);
  return {
    home: slot.home,
    container,
    policy,
    choice,
    kernel,
    track: options.image === undefined ? policy.track : { kind: 'digest' },
    follows: options.image ?? (await followedReference({ ports, memory }, container)),
    followed: await followedBy({ ports, memory }, container),
    failures: failuresIn(all, slot.home),
    dependents,
    answered: await answeredPorts(ports, container, policy, all),
    predecessors,
    inlineFiles: [...(await copiedFiles(ports, container, own)), ...(options.carry ?? [])],
    backup,
    checksStart: needsHost(container) || dependents.length > 0,
    engineVerdict: engineVerdictFor(container, own, policy, all, ports.host.containerId),
    memory,
  };
}

function noteUncounted(ports: Ports, { name }: Container, labels: readonly string[]): void {
  if (labels.length === 0) return;
  const text = `the image of ${name} is gone, so ${labels.join(', ')} may be its label: it does not count; swapctl.yml can say the same`;
  ports.report({ kind: 'note', text });
}

function isOff(slot: Slot): boolean {
  return slot.members.every((member) => member.status === 'exited' || member.status === 'created');
}

function refuseUnfit(member: ContainerSummary): void {
  const why = whyNotRollable(member);
  if (why) fail('refused', why.message, { hint: why.hint });
}

// Whoever lives with it is re-created after it, and nobody can do that to himself.
function refuseOwn(
  { host }: Ports,
  home: string,
  dependents: readonly string[],
  all: readonly ContainerSummary[],
): void {
  const own = all.find(({ id }) => id === host.containerId);
  if (own && dependents.includes(homeOf(own.name)))
    fail('refused', `${own.name}, which swapctl itself runs in, lives in the namespaces of ${home}`, {
      hint: 'roll it from outside, or give swapctl a network of its own',
    });
}

async function followedBy(run: { ports: Ports; memory: Memory }, container: Container): Promise<string | undefined> {
  const followed = (await stateOf(run, container))?.follows || container.config.Image || '';
  return followed === '' || isImageId(followed) ? undefined : followed;
}

/** The reference that a container follows. Raises `refused` for one that was created from a bare id. */
export async function followedReference(run: { ports: Ports; memory: Memory }, container: Container): Promise<string> {
  const followed = await followedBy(run, container);
  if (followed !== undefined) return followed;
  const tags = (await imageOf(run, container.imageId))?.tags ?? [];
  const [tag] = tags;
  if (tag && tags.length === 1) return tag;
  return fail('refused', `${container.name} was created from a bare image id, so it follows no reference`, {
    hint: tags.length > 1 ? `say which with --image: ${tags.join(', ')}` : 'say what to roll to with --image',
  });
}

// What is shared with a container that is gone can't be shared again: better said now than when the old one is stopped.
function refuseLost(container: Container, all: readonly ContainerSummary[], successors: Successors): void {
  for (const { kind, to } of requiredBy(container)) {
    if (isThere(to, all) || follow(to, successors) !== to) continue;
    fail('refused', `${container.name} ${SHARES[kind] ?? 'names'} a container that is gone (${short(to)})`, {
      hint: 're-create it as you did at first (docker compose up -d), then roll it',
    });
  }
}

const SHARES: { readonly [K in Reference['kind']]?: string } = {
  network: 'lives in the network of',
  pid: 'lives in the PID namespace of',
  ipc: 'lives in the IPC namespace of',
  volumes: 'takes its volumes (volumes_from) from',
};

// Those that are re-created with what they live in are told in the step.
function followNotes(container: Container, all: readonly ContainerSummary[]): string[] {
  return requiredBy(container).flatMap(({ kind, to }) => {
    const successor = kind === 'volumes' && !isThere(to, all) ? successorOf(to, all) : undefined;
    if (!successor) return [];
    const now = `${successor.name} (${short(successor.id)})`;
    return [`its volumes come from ${now}, which replaced the container ${short(to)} that volumes_from names`];
  });
}

function short(id: string): string {
  return id.slice(0, 12);
}

// Docker (tried: 20.10 to 28.5) renames none that runs there; the address that it shows as if it was asked for is the choice of the Swarm.
async function refuseSwarmNetwork(ports: Ports, { name, networks }: Container): Promise<void> {
  if (!Object.keys(networks).some(resolvesNames)) return;
  const swarm = await ports.engine.swarmNetworks();
  const network = Object.keys(networks).find((one) => swarm.includes(one));
  if (network === undefined) return;
  fail('refused', `${name} is in ${network}, a network of a Swarm, where the engine renames no container that runs`, {
    hint: 'run it as a service of the Swarm (docker service create), or give it a network of this engine instead',
  });
}

// Asked at any other address, something else might answer in its place.
async function refuseUnreachable(
  ports: Ports,
  container: Container,
  { probe }: Policy,
  successors: PrepareOptions['successors'],
): Promise<void> {
  if (probe === undefined || probe.kind === 'cmd' || container.status !== 'running') return;
  // Its network is that of a container that was replaced just now, and so is its own successor's.
  if (successors?.has(namespaceOwner(container.host.NetworkMode) ?? '')) return;
  const address = await addressOf(ports, container);
  if ('host' in address) return;
  fail('refused', `swapctl.health.${probe.kind} can't ask ${container.name}, which ${address.why}`, {
    hint: 'check it from inside with swapctl.health.cmd, or by a HEALTHCHECK of the image',
  });
}

// What the incumbent fails says nothing of a new image, and what has no way to the incumbent has none to its successor.
async function askIncumbent(ports: Ports, container: Container, policy: Policy, memory: Memory): Promise<void> {
  const asked = await askBefore(ports, container, policy);
  if (!asked || asked.ok) {
    memory.incumbentAsked = asked;
    return;
  }
  if (/\bE(HOST|NET)UNREACH\b/.test(asked.output))
    fail('refused', `swapctl.health.${policy.probe?.kind} has no way to ${container.name} from here: ${asked.output}`, {
      hint: 'check it from inside with swapctl.health.cmd, or by a HEALTHCHECK of the image',
    });
  memory.incumbentAsked = asked;
  memory.notes.add(failsNow(asked));
}

/** Files that compose copied into a container, which no create call brings. */
export async function copiedFiles(ports: Ports, container: Container, own: OwnLabels): Promise<string[]> {
  const service = own[COMPOSE_SERVICE];
  const files = own[COMPOSE_FILES]?.split(',');
  if (!service || !files) return [];
  const documents = await Promise.all(files.map((file) => ports.host.readYaml(file)));
  const told = inlineFiles(documents, service);
  if (told.complete && told.paths.length === 0) return [];
  const changed = await ports.engine.changes(container.id);
  const mounted = new Set(container.mounts.map((mount) => mount.target));
  const candidates = new Set([...told.paths, ...(told.complete ? [] : likelyInlineFiles(changed))]);
  return [...candidates].filter((path) => changed.includes(path) && !mounted.has(path));
}
