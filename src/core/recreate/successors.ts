import type { Container, ContainerSummary } from '../model/container.ts';
import { mayMean, means, type Reference, referencesOf } from '../model/references.ts';
import { decodeState, type StateLabels } from '../service/labels.ts';
import { madeBySwapctl } from '../service/ownership.ts';

type Referring = Pick<Container, 'host' | 'networks'>;

/** For each reference of a container to a removed one: the id of the container that replaced that one. */
export function successorsOf(container: Referring, all: readonly ContainerSummary[]): Map<string, string> {
  const found = referencesOf(container).flatMap(({ to }) => {
    const successor = isThere(to, all) ? undefined : successorOf(to, all);
    return successor ? [[to, successor.id] as const] : [];
  });
  return new Map(found);
}

/** True: the reference means, or may mean, an existing container. */
export function isThere(to: Reference['to'], all: readonly ContainerSummary[]): boolean {
  return all.some((one) => mayMean(to, one));
}

/** The container that replaced a removed one; undefined if swapctl put none in its place. */
export function successorOf(to: Reference['to'], all: readonly ContainerSummary[]): ContainerSummary | undefined {
  const [first] = all
    .filter((one) => predecessorsOf(replicaState(one)).some((id) => means(to, { id, name: id })))
    // During a roll the candidate says the same; the container with the slot's name serves.
    .sort((a, b) => Number(hasSlotName(b)) - Number(hasSlotName(a)));
  return first;
}

/** Ids of the containers that this one replaced, the last one first. Older ones are known as long as others name them. */
export function predecessorsOf(state: Pick<StateLabels, 'replaces' | 'predecessors'> | undefined): string[] {
  return [...(state?.replaces === undefined ? [] : [state.replaces]), ...(state?.predecessors ?? [])];
}

function replicaState(container: ContainerSummary): StateLabels | undefined {
  const state = hasSlotName(container) ? decodeState(container.labels) : madeBySwapctl(container);
  return state?.role === 'replica' ? state : undefined;
}

function hasSlotName({ name, labels }: ContainerSummary): boolean {
  return decodeState(labels)?.slot === name;
}
