import { fail } from '../model/error.ts';
import { nearest, printable } from '../text/suggest.ts';
import type { HostHook } from './hooks.ts';

/** How to reach the engine of a host. */
export type HostAddress =
  | { readonly kind: 'url'; readonly url: string; readonly tls: TlsFiles | undefined }
  | { readonly kind: 'context'; readonly context: string };

/** Paths of PEM files. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** The fate of the finished hosts once a host fails. */
export const ON_FAILURE = ['halt', 'back'] as const;
export type OnFailure = (typeof ON_FAILURE)[number];

/** A group in swapctl.yml. */
export interface GroupConfig {
  /** Names of hosts, and of groups as a short form of their hosts. */
  readonly hosts: readonly string[];
  readonly canary: string | undefined;
  /** How long the canary host runs the new image before the other hosts follow. */
  readonly bakeMs: number;
  /** The number of hosts to roll at the same time after the canary. */
  readonly atOnce: number;
  readonly onFailure: OnFailure;
  readonly beforeHost: readonly HostHook[];
  readonly afterHost: readonly HostHook[];
}

/** The hosts and groups of swapctl.yml, by name. */
export interface Inventory {
  readonly hosts: Readonly<Record<string, HostAddress>>;
  readonly groups: Readonly<Record<string, GroupConfig>>;
}

export const NO_INVENTORY: Inventory = { hosts: {}, groups: {} };

/** The hosts of one command, in the order of their rolls: the canary host first. */
export interface HostGroup extends Omit<GroupConfig, 'canary'> {
  /** The name of the group, or of the host if only one was named. */
  readonly name: string;
  readonly canary: string;
  /** The same hosts in the order of the inventory: locks are taken in this order, so that two rolls never wait for each other. */
  readonly lockOrder: readonly string[];
}

/** The shape of a host or group name: safe in messages, and never a number, which would change the order of the file. */
export const INVENTORY_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,62}$/;

const ALONE = {
  canary: undefined,
  bakeMs: 0,
  atOnce: 1,
  onFailure: 'halt',
  beforeHost: [],
  afterHost: [],
} as const satisfies Omit<GroupConfig, 'hosts'>;

/** The hosts of a name. Raises `usage` for a name that is neither a host nor a group. */
export function hostGroup(inventory: Inventory, name: string): HostGroup {
  const { hosts, groups } = inventory;
  const group = Object.hasOwn(groups, name) ? groups[name] : undefined;
  if (!group && !Object.hasOwn(hosts, name)) return unknown(inventory, name);
  const { canary, ...rest } = group ?? { ...ALONE, hosts: [name] };
  const members = expand(groups, rest.hosts).hosts;
  const first = canary ?? members[0] ?? fail('usage', `the group ${name} has no hosts`);
  return {
    ...rest,
    name,
    canary: first,
    hosts: [first, ...members.filter((member) => member !== first)],
    lockOrder: Object.keys(hosts).filter((host) => members.includes(host)),
  };
}

function unknown({ hosts, groups }: Inventory, name: string): never {
  const known = [...Object.keys(groups), ...Object.keys(hosts)];
  if (known.length === 0)
    return fail('usage', `--on ${printable(name)}: swapctl.yml has no hosts`, {
      hint: 'add hosts and groups to swapctl.yml; --config names another file',
    });
  const near = nearest(known, name);
  return fail('usage', `swapctl.yml has no host or group ${printable(name)}`, {
    hint: near ? `did you mean ${near}?` : `known are: ${known.join(', ')}`,
  });
}

/** Groups by their hosts, if the file has the right shape. */
export type Members = Readonly<Record<string, { readonly hosts: readonly string[] }>>;

/** The hosts of a list of host and group names, with repeated names, and groups that contain themselves. */
export function expand(
  groups: Members,
  names: readonly string[],
  within: readonly string[] = [],
): { readonly hosts: readonly string[]; readonly twice: readonly string[]; readonly loop: readonly string[] } {
  const hosts: string[] = [];
  const twice: string[] = [];
  for (const name of names) {
    const group = Object.hasOwn(groups, name) ? groups[name] : undefined;
    if (group && within.includes(name)) return { hosts, twice, loop: [...within, name] };
    const inner = group ? expand(groups, group.hosts, [...within, name]) : { hosts: [name], twice: [], loop: [] };
    if (inner.loop.length > 0) return { hosts, twice, loop: inner.loop };
    twice.push(...inner.twice, ...inner.hosts.filter((host) => hosts.includes(host)));
    hosts.push(...inner.hosts.filter((host) => !hosts.includes(host)));
  }
  return { hosts, twice, loop: [] };
}
