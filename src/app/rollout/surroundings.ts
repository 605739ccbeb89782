import { type Container, type ContainerSummary, namespaceOwner } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import { follow, type Reference, requiredBy, type Successors } from '../../core/model/references.ts';
import { resolvesNames } from '../../core/recreate/networks.ts';
import { isThere, predecessorsOf, successorOf, successorsOf } from '../../core/recreate/successors.ts';
import { decodeState } from '../../core/service/labels.ts';
import { slotNameOf } from '../../core/service/names.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { Ports } from '../../ports/ports.ts';
import { dependentsOn, mountingNote, othersOf, stillNamed } from '../select/neighbours.ts';
import type { Memory } from './slot-run.ts';
import { askBefore, failsNow } from './steps/blame.ts';
import { addressOf } from './steps/probe.ts';

/** An inspected container that is to be rolled. */
interface Looked {
  /** The slot name. */
  readonly slotName: string;
  readonly container: Container;
  readonly own: OwnLabels;
  readonly policy: Policy;
  readonly memory: Memory;
}

/** The other containers that a roll affects. */
export interface Surroundings {
  /** Slot names of the containers that are re-created with the container. */
  readonly dependents: readonly string[];
  /** Ids of earlier containers of the slot that others still name. */
  readonly predecessors: readonly string[];
}

/**
 * Inspects the containers that a container needs, and those that need it, with notes for the user. `replaced`: for a dependent,
 * the containers that were just replaced. Raises `refused` with the reason.
 */
export async function surroundingsOf(
  ports: Ports,
  { slotName, container, own, policy, memory }: Looked,
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
  refuseOwn(ports, slotName, dependents, all);
  return { dependents, predecessors };
}

// A dependent is re-created later, and swapctl cannot re-create the container that it runs in.
function refuseOwn(
  { host }: Ports,
  slotName: string,
  dependents: readonly string[],
  all: readonly ContainerSummary[],
): void {
  const own = all.find(({ id }) => id === host.containerId);
  if (own && dependents.includes(slotNameOf(own.name)))
    fail('refused', `${own.name}, which swapctl itself runs in, lives in the namespaces of ${slotName}`, {
      hint: 'roll it from outside, or give swapctl a network of its own',
    });
}

// A container can't share with a removed container again: better refused now than after the incumbent's stop.
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

// The step itself names the containers that are re-created with their owner.
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

// Docker (tried: 20.10 to 28.5) renames no container in such a network; the address that it shows as the user's is the Swarm's
// choice.
async function refuseSwarmNetwork(ports: Ports, { name, networks }: Container): Promise<void> {
  if (!Object.keys(networks).some(resolvesNames)) return;
  const swarm = await ports.engine.swarmNetworks();
  const network = Object.keys(networks).find((one) => swarm.includes(one));
  if (network === undefined) return;
  fail('refused', `${name} is in ${network}, a network of a Swarm, where the engine renames no container that runs`, {
    hint: 'run it as a service of the Swarm (docker service create), or give it a network of this engine instead',
  });
}

// At any other address, another process might answer.
async function refuseUnreachable(
  ports: Ports,
  container: Container,
  { probe }: Policy,
  successors: Successors,
): Promise<void> {
  if (probe === undefined || probe.kind === 'cmd' || container.status !== 'running') return;
  // Its network is that of a container that was just replaced, and its successor's network is, too.
  if (successors.has(namespaceOwner(container.host.NetworkMode) ?? '')) return;
  const address = await addressOf(ports, container);
  if ('host' in address) return;
  fail('refused', `swapctl.health.${probe.kind} can't ask ${container.name}, which ${address.why}`, {
    hint: 'check it from inside with swapctl.health.cmd, or by a HEALTHCHECK of the image',
  });
}

// If the incumbent fails the check, a failure says nothing about the new image; and if the incumbent is out of reach, so is its
// successor.
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
