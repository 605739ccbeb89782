import type { ContainerSummary } from '../model/container.ts';
import { fail } from '../model/error.ts';
import { COMPOSE_NUMBER, COMPOSE_ONEOFF, COMPOSE_PROJECT, COMPOSE_SERVICE } from '../model/label-keys.ts';
import { isComposed } from '../model/own-labels.ts';
import { nearest } from '../text/suggest.ts';
import { type Why, whyManaged } from './managed.ts';
import { slotNamesOf } from './ownership.ts';

/** The unit that users roll by name: a compose service with all its replicas, or a single container. */
export interface Service {
  /** `project/service`, or the container's name. */
  readonly key: string;
  /** The places of its replicas, by slot name. */
  readonly slots: readonly Slot[];
}

/** One replica's place: normally one container, more of them during a roll. */
export interface Slot {
  readonly slotName: string;
  readonly members: readonly ContainerSummary[];
}

/** Groups all containers of an engine into services; swapctl's inert helpers belong to none. */
export function groupServices(containers: readonly ContainerSummary[]): Service[] {
  const slots = new Map<string, Map<string, ContainerSummary[]>>();
  const slotsOf = slotNamesOf(containers);
  const keys = keysBySlot(slotsOf);
  for (const [container, slotName] of slotsOf) {
    const key = serviceKey(container) ?? keys.get(slotName) ?? slotName;
    const service = slots.get(key) ?? new Map<string, ContainerSummary[]>();
    slots.set(key, service.set(slotName, [...(service.get(slotName) ?? []), container]));
  }
  return [...slots].map(([key, members]) => ({ key, slots: sortSlots(members) })).sort((a, b) => compare(a.key, b.key));
}

/**
 * Finds the service that a user named: `project/service`, a compose service, a container's name or id. Raises `not-found` or
 * `ambiguous`, with the choices. A container of a scaled service, named by itself, is a service of one slot.
 */
export function findService(services: readonly Service[], selector: string): Service {
  const exact = services.find((service) => service.key === selector);
  if (exact) return exact;
  const composed = services.filter((service) => service.key.endsWith(`/${selector}`));
  if (composed.length > 1)
    ambiguous(
      selector,
      composed.map((service) => service.key),
    );
  const [service] = composed;
  const bySlot = slotsMatching(services, selector);
  const strangers = bySlot.filter((match) => match.service !== service);
  if (service && strangers.length === 0) return service;
  if (service) ambiguous(selector, [service.key, ...strangers.map((match) => match.slot.slotName)]);
  if (bySlot.length > 1)
    ambiguous(
      selector,
      bySlot.map((match) => match.slot.slotName),
    );
  const [match] = bySlot;
  if (match) return { key: match.service.key, slots: [match.slot] };
  return notFound(services, selector);
}

/** Why another program owns a whole service, and the container that shows it. */
export function whyOwned({ slots }: Service): { member: ContainerSummary; why: Why } | undefined {
  const members = slots.flatMap((slot) => slot.members);
  const owned = members.map((member) => ({ member, why: whyManaged(member) }));
  const [first] = owned;
  return first?.why && owned.every(({ why }) => why) ? { member: first.member, why: first.why } : undefined;
}

/** Why a container can never be rolled; undefined if it can. */
export function whyNotRollable(container: ContainerSummary): Why | undefined {
  const { name, status } = container;
  const managed = whyManaged(container);
  if (managed) return managed;
  switch (status) {
    case 'running':
    case 'restarting':
      return undefined;
    case 'paused':
      return { message: `${name} is paused`, hint: `docker unpause ${name}, then roll it` };
    case 'created':
    case 'exited':
      return {
        message: `${name} is not running (${status}), so there is nothing to take over from`,
        hint: `docker start ${name}, then roll it`,
      };
    case 'removing':
    case 'dead':
      return { message: `${name} is being removed (${status})`, hint: 'wait until it is gone' };
  }
}

function serviceKey(container: ContainerSummary): string | undefined {
  const project = container.labels[COMPOSE_PROJECT];
  const service = container.labels[COMPOSE_SERVICE];
  if (!project || !service || !isComposed(container.labels) || container.labels[COMPOSE_ONEOFF] === 'True')
    return undefined;
  return `${project}/${service}`;
}

// A container under a temporary name belongs to the service of the one with the slot name.
function keysBySlot(slotsOf: ReadonlyMap<ContainerSummary, string>): Map<string, string> {
  const keys = new Map<string, string>();
  for (const [container, slotName] of slotsOf) {
    const key = serviceKey(container);
    if (key !== undefined && !keys.has(slotName)) keys.set(slotName, key);
  }
  return keys;
}

function sortSlots(slotsOf: ReadonlyMap<string, ContainerSummary[]>): Slot[] {
  const slots = [...slotsOf].map(([slotName, members]) => ({ slotName, members }));
  return slots.sort((a, b) => numberOf(a) - numberOf(b) || compare(a.slotName, b.slotName));
}

function numberOf(slot: Slot): number {
  return Number(slot.members[0]?.labels[COMPOSE_NUMBER]) || 0;
}

const SHORTEST_ID = 4;

function slotsMatching(services: readonly Service[], selector: string): { service: Service; slot: Slot }[] {
  const all = services.flatMap((service) => service.slots.map((slot) => ({ service, slot })));
  const named = all.filter(
    ({ slot }) => slot.slotName === selector || slot.members.some((member) => member.name === selector),
  );
  if (named.length > 0) return named;
  if (selector.length < SHORTEST_ID || !/^[0-9a-f]+$/.test(selector)) return [];
  return all.filter(({ slot }) => slot.members.some((member) => member.id.startsWith(selector)));
}

function ambiguous(selector: string, choices: readonly string[]): never {
  return fail('ambiguous', `${quote(selector)} names ${choices.length} things`, {
    hint: `say which: ${choices.join(', ')}`,
    choices,
  });
}

const MOST_CHOICES = 20;

function notFound(services: readonly Service[], selector: string): never {
  const names = services.map((service) => service.key);
  const choices = names.slice(0, MOST_CHOICES);
  const hint = meant(services, selector);
  if (hint !== undefined)
    return fail('not-found', `there is no service or container ${quote(selector)} on this engine`, { hint, choices });
  return fail('not-found', `there is no service or container ${quote(selector)} on this engine`, {
    hint:
      names.length > 0
        ? `there are: ${someOf(names)}`
        : 'the engine has no containers at all; is it the right one? (swapctl doctor)',
    choices,
  });
}

// The engine's API puts a slash before names; and a project can't be rolled as a whole.
function meant(services: readonly Service[], selector: string): string | undefined {
  const bare = selector.replace(/^\/+/, '');
  if (bare !== selector && isNamed(services, bare)) return `write it without the slash: ${bare}`;
  const project = bare.replace(/\/+$/, '');
  const inProject = services.filter(({ key }) => key.startsWith(`${project}/`)).map(({ key }) => key);
  if (project !== '' && inProject.length > 0)
    return `${quote(project)} is a compose project; name its services: ${someOf(inProject)}`;
  const near = nearest([...new Set(services.flatMap(namesOf))], bare);
  return near === undefined ? undefined : `did you mean ${near}?`;
}

function isNamed(services: readonly Service[], name: string): boolean {
  return services.some((service) => namesOf(service).includes(name)) || slotsMatching(services, name).length > 0;
}

// The names that findService takes, the whole key first.
function namesOf({ key, slots }: Service): string[] {
  return [key, key.slice(key.indexOf('/') + 1), ...slots.map(({ slotName }) => slotName)];
}

function someOf(names: readonly string[]): string {
  const more = names.length > MOST_CHOICES ? `, and ${names.length - MOST_CHOICES} more` : '';
  return names.slice(0, MOST_CHOICES).join(', ') + more;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
