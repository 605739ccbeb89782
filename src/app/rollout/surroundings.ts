import { type Container, type ContainerSummary, namespaceOwner } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import { follow, type Reference, requiredBy, type Successors } from '../../core/model/references.ts';
import { resolvesNames } from '../../core/recreate/networks.ts';
import { isThere, predecessorsOf, successorOf, successorsOf } from '../../core/recreate/successors.ts';
import { decodeState } from '../../core/service/labels.ts';
import { homeOf } from '../../core/service/names.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { Ports } from '../../ports/ports.ts';
import { dependentsOn, mountingNote, othersOf, stillNamed } from '../select/neighbours.ts';
import type { Memory } from './slot-run.ts';
import { askBefore, failsNow } from './steps/blame.ts';
import { addressOf } from './steps/probe.ts';

/** A container that is to be rolled, as far as it was looked at. */
interface Looked {
  /** The name of its slot. */
  readonly home: string;
  readonly container: Container;
  readonly own: OwnLabels;
  readonly policy: Policy;
  readonly memory: Memory;
}

/** The other containers that a roll concerns. */
export interface Surroundings {
  /** Slot names of those that are re-created with the container. */
  readonly dependents: readonly string[];
  /** Ids of containers that served the slot before this one, which others still name. */
  readonly predecessors: readonly string[];
}

/**
 * Looks at what a container needs from others and what others need from it, and notes what people should know. `replaced`: the
 * containers that were replaced just now, of a dependent that follows them. Raises `refused` with the reason.
 */
export async function surroundingsOf(
  ports: Ports,
  { home, container, own, policy, memory }: Looked,
  all: readonly ContainerSummary[],
  replaced: Successors | undefined,
): Promise<Surroundings> {
  const successors = new Map([...successorsOf(container, all), ...(replaced ?? [])]);
  refuseLost(container, all, successors);
  for (const note of followNotes(container, all)) memory.notes.add(note);
  if (!replaced) await refuseSwarmNetwork(ports, container);
  await refuseUnreachable(ports, container, policy, successors);
  if (!replaced) await askIncumbent(ports, container, policy, memory);
  const others = await othersOf(ports, container, all);
  const dependents = dependentsOn(container, others);
  const predecessors = stillNamed(predecessorsOf(decodeState(own)), others);
  const note = mountingNote(container, predecessors, others);
  if (note !== undefined) memory.notes.add(note);
  refuseOwn(ports, home, dependents, all);
  return { dependents, predecessors };
}

// A dependent is re-created after it, and swapctl cannot re-create the container that it runs in.
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
  successors: Successors,
): Promise<void> {
  if (probe === undefined || probe.kind === 'cmd' || container.status !== 'running') return;
  // Its network is that of a container that was replaced just now, and so is its own successor's.
  if (successors.has(namespaceOwner(container.host.NetworkMode) ?? '')) return;
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
