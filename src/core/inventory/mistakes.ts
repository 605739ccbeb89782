import { nearest, printable } from '../text/suggest.ts';
import { expand, INVENTORY_NAME, type Members } from './inventory.ts';

/** A mistake in `hosts` or `groups`, by the path of keys to it. */
export interface InventoryMistake {
  readonly path: readonly PropertyKey[];
  readonly of: 'key' | 'value';
  readonly message: string;
}

/** Mistakes that no single key shows: unknown, repeated and ambiguous names, and groups that contain themselves. */
export function inventoryMistakes(
  hosts: readonly string[],
  groups: Readonly<Record<string, { readonly hosts: readonly string[]; readonly canary: string | undefined }>>,
): InventoryMistake[] {
  const names = [...hosts.map((name) => ['hosts', name]), ...Object.keys(groups).map((name) => ['groups', name])];
  return [
    ...names.flatMap(([section = '', name = '']) => nameMistakes(section, name)),
    ...Object.keys(groups).flatMap((name) => (hosts.includes(name) ? [ambiguous(name)] : [])),
    ...Object.entries(groups).flatMap(([name, group]) => groupMistakes(hosts, groups, name, group)),
  ];
}

function nameMistakes(section: string, name: string): InventoryMistake[] {
  if (INVENTORY_NAME.test(name)) return [];
  const what = section === 'hosts' ? 'host' : 'group';
  const message = `${printable(name)} cannot be the name of a ${what}; begin with a letter, and use letters, digits, dots, dashes and underscores, at most 63`;
  return [{ path: [section, name], of: 'key', message }];
}

function ambiguous(name: string): InventoryMistake {
  return { path: ['groups', name], of: 'key', message: `${name} is the name of a host, too; rename the group` };
}

function groupMistakes(
  known: readonly string[],
  groups: Members,
  name: string,
  { hosts, canary }: { readonly hosts: readonly string[]; readonly canary: string | undefined },
): InventoryMistake[] {
  const path = ['groups', name, 'hosts'];
  if (hosts.length === 0) return [{ path, of: 'value', message: `the group ${name} has no hosts` }];
  const unknown = hosts.flatMap((host, at) => {
    if (known.includes(host) || Object.hasOwn(groups, host)) return [];
    return [
      { path: [...path, at], of: 'value' as const, message: unknownName(host, [...known, ...Object.keys(groups)]) },
    ];
  });
  if (unknown.length > 0) return unknown;
  const { hosts: members, twice, loop } = expand(groups, hosts, [name]);
  if (loop.length > 0)
    return [{ path, of: 'value', message: `the group ${name} contains itself: ${loop.join(' → ')}` }];
  const [again] = twice;
  if (again !== undefined)
    return [{ path, of: 'value', message: `the host ${again} is in the group ${name} more than once` }];
  if (canary === undefined || members.includes(canary)) return [];
  const message = `the canary ${printable(canary)} is not a host of the group ${name}; its hosts are: ${members.join(', ')}`;
  return [{ path: ['groups', name, 'canary'], of: 'value', message }];
}

function unknownName(name: string, known: readonly string[]): string {
  const near = nearest(known, name);
  const hint = near ? `did you mean ${near}?` : `known are: ${known.length > 0 ? known.join(', ') : 'none'}`;
  return `there is no host or group ${printable(name)}; ${hint}`;
}
