import { type Container, type Endpoint, type HostConfig, namespaceOwner } from './container.ts';

/**
 * The settings by which a container names another one. No other field does: the engine keeps `Cgroup` (`container:…`) and never
 * reads it, `CgroupParent` is a path, and `CgroupnsMode` is `host` or `private`.
 */
export type ReferenceKind = 'network' | 'pid' | 'ipc' | 'link' | 'network link' | 'volumes';

/** One such setting, with the id (or the beginning of one) or the name that the engine stores. */
export interface Reference {
  readonly kind: ReferenceKind;
  readonly to: string;
}

/** Ids and names of containers that were replaced, and the ids of their successors. */
export type Successors = ReadonlyMap<string, string>;

type Referring = Pick<Container, 'host' | 'networks'>;
type Named = Pick<Container, 'id' | 'name'>;

/** All references of a container, in the order in which messages name them. */
export function referencesOf({ host, networks }: Referring): Reference[] {
  const modes = MODES.flatMap(([kind, field]) => {
    const to = namespaceOwner(host[field]);
    return to === undefined ? [] : [{ kind, to }];
  });
  const networkLinks = Object.values(networks).flatMap(({ Links }) => Links ?? []);
  return [
    ...modes,
    ...(host.Links ?? []).map((link) => ({ kind: 'link' as const, to: linkedTo(link) })),
    ...networkLinks.map((link) => ({ kind: 'network link' as const, to: linkedTo(link) })),
    ...(host.VolumesFrom ?? []).map((entry) => ({ kind: 'volumes' as const, to: entry.split(':')[0] ?? '' })),
  ];
}

const MODES = [
  ['network', 'NetworkMode'],
  ['pid', 'PidMode'],
  ['ipc', 'IpcMode'],
] as const;

/** True: the reference means that container. The engine takes names with and without a slash, and short ids. */
export function means(to: string, { id, name }: Named): boolean {
  return to === id || bare(to) === name || isShortOf(to, id);
}

/** True: the reference may mean that container. The engine takes any prefix of an id, as long as the prefix is unique. */
export function mayMean(to: string, named: Named): boolean {
  return means(to, named) || named.id.startsWith(to);
}

/**
 * True: the container loses what it shares when the other container is removed, so it has to be re-created when the other is
 * replaced. Mounted volumes stay, and a name on a network is resolved anew.
 */
export function isTied(container: Referring, owner: Named): boolean {
  return referencesOf(container).some((reference) => ties(reference, owner));
}

/** The containers that have to run before a container can be started. */
export function neededToStart(container: Referring): string[] {
  const needed = referencesOf(container).filter(({ kind }) => NEEDED_TO_START.includes(kind));
  return [...new Set(needed.map(({ to }) => to))];
}

/** True: the container lives in namespaces of the other one, so it goes down with it. */
export function livesIn(container: Referring, owner: Named): boolean {
  return referencesOf(container).some(({ kind, to }) => NAMESPACES.includes(kind) && means(to, owner));
}

/** The references without which the engine refuses to create or start a container, as far as an inspect shows them. */
export function requiredBy(container: Referring): Reference[] {
  return referencesOf(container).filter(({ kind }) => kind !== 'network link' && kind !== 'link');
}

const NAMESPACES: readonly ReferenceKind[] = ['network', 'pid', 'ipc'];
const NEEDED_TO_START: readonly ReferenceKind[] = [...NAMESPACES, 'link'];

function ties({ kind, to }: Reference, owner: Named): boolean {
  if (kind === 'volumes') return false;
  // The engine's DNS answers to names and to the short id.
  return kind === 'network link' ? to === shortId(owner.id) : means(to, owner);
}

/** The current container for a reference; the reference itself if nothing has replaced its container. */
export function follow(to: string, successors: Successors): string {
  return successors.get(to) ?? [...successors].find(([from]) => isShortOf(to, from))?.[1] ?? to;
}

/** The fields into which compose writes ids of other containers, and which it hashes. */
export type Shared = Pick<HostConfig, 'NetworkMode' | 'PidMode' | 'IpcMode' | 'VolumesFrom'>;

/** The namespaces and volumes that a container shares, with the ids of successors for containers that were replaced. */
export function successorSharing(host: HostConfig, successors: Successors): Shared {
  const tracked: Shared = {};
  for (const [, field] of MODES) {
    const owner = namespaceOwner(host[field]);
    if (owner !== undefined) tracked[field] = `container:${follow(owner, successors)}`;
  }
  if (host.VolumesFrom) tracked.VolumesFrom = host.VolumesFrom.map((entry) => followVolumes(entry, successors));
  return tracked;
}

/** Links as the create call takes them (`child:alias`); an inspect shows `/child:/parent/alias` (T15). */
export function successorLinks(links: readonly string[], successors: Successors): string[] {
  return links.map((link) => {
    const [, path = ''] = link.split(':');
    return `${follow(linkedTo(link), successors)}:${path.slice(path.lastIndexOf('/') + 1)}`;
  });
}

/** Links on a network with names. The engine's DNS answers to no full id. */
export function successorNetworkLinks({ Links }: Endpoint, successors: Successors): string[] {
  return (Links ?? []).map((link) => {
    const [to = '', ...alias] = link.split(':');
    const now = follow(to, successors);
    return [now === to ? to : shortId(now), ...alias].join(':');
  });
}

function followVolumes(entry: string, successors: Successors): string {
  const [from = '', ...mode] = entry.split(':');
  return [follow(from, successors), ...mode].join(':');
}

function linkedTo(link: string): string {
  return bare(link.split(':')[0] ?? '');
}

function bare(name: string): string {
  return name.replace(/^\//, '');
}

const SHORT = 12;

// Anything shorter may as well be a name: `db` and `cafe` are hexadecimal.
function isShortOf(to: string, id: string): boolean {
  return to.length >= SHORT && /^[0-9a-f]+$/.test(to) && id.startsWith(to);
}

function shortId(id: string): string {
  return id.slice(0, SHORT);
}
