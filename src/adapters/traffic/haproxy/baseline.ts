import { isIP } from 'node:net';
import { addressText } from '../../../core/proxy/check.ts';
import type { ProxyAccess } from '../../../ports/proxy-access.ts';
import type { Backend } from './backend.ts';
import { CommandRefused } from './runtime.ts';
import type { Member } from './state.ts';

/** Resolves a name where the proxy runs; raises CommandRefused if it has no address there. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** Goes back to the servers of the configuration, at the addresses that their names have now. */
export async function applyBaseline(backend: Backend, resolve: Resolve): Promise<void> {
  const members = (await backend.members()) ?? [];
  const overlay = members.filter(({ kind, spare }) => kind !== 'owner' && !spare);
  if (overlay.length === 0) return backend.tidy(false);
  const owners = members.filter(({ kind, configured }) => kind === 'owner' && !isDisabled(configured?.options ?? []));
  const addresses = await newAddresses(owners, resolve);
  for (const member of owners) {
    const address = addresses.get(member.name);
    // One of several replicas that is gone.
    if (address === undefined) continue;
    await backend.setAddress(member, address);
    await backend.setWeight(member, member.ownWeight);
    await backend.setAdmin(member, 'ready');
  }
  await backend.untilRunning([...addresses.keys()]);
  for (const member of overlay) await backend.release(member);
  await backend.tidy(true);
}

function isDisabled(options: readonly string[]): boolean {
  return options.lastIndexOf('disabled') > options.lastIndexOf('enabled');
}

/** By server: the address that it has, if its name still has that one, else one that no other server has. */
async function newAddresses(owners: readonly Member[], resolve: Resolve): Promise<Map<string, string>> {
  const chosen = new Map<string, string>();
  for (const { host, port, members } of groupsOf(owners)) {
    const addresses = (await resolve(host)).map((ip) => addressText(ip, port));
    const staying = members.filter(({ address }) => addresses.includes(address));
    for (const { name, address } of staying) chosen.set(name, address);
    const free = addresses.filter((address) => !staying.some((one) => one.address === address));
    for (const { name } of members.filter((one) => !staying.includes(one))) {
      const address = free.shift();
      if (address !== undefined) chosen.set(name, address);
    }
  }
  for (const { name, address, configured } of owners)
    if (configured === undefined || isIP(configured.host) !== 0) chosen.set(name, address);
  return chosen;
}

interface Group {
  readonly host: string;
  readonly port: number;
  readonly members: Member[];
}

function groupsOf(owners: readonly Member[]): Group[] {
  const groups = new Map<string, Group>();
  for (const member of owners) {
    const { host = '', port } = member.configured ?? {};
    if (host === '' || isIP(host) !== 0) continue;
    const own = port ?? Number(member.address.split(':').at(-1));
    const group = groups.get(`${host}:${own}`) ?? { host, port: own, members: [] };
    group.members.push(member);
    groups.set(`${host}:${own}`, group);
  }
  return [...groups.values()];
}

const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,252})$/;

/** Asks the resolver of the proxy's own machine or container. */
export function resolverOf(access: ProxyAccess, signal: AbortSignal): Resolve {
  return async (name) => {
    if (!NAME.test(name)) throw new CommandRefused(`${name} is no name that can be resolved`);
    for (const database of ['ahostsv4', 'ahosts', 'hosts']) {
      const { code, output } = await access.run(['getent', database, name], signal);
      const found = output.split('\n').map((line) => line.split(/\s/)[0] ?? '');
      const addresses = [...new Set(found.filter((one) => isIP(one) !== 0))];
      if (code === 0 && addresses.length > 0) return addresses;
    }
    throw new CommandRefused(`the name ${name} has no address where HAProxy runs`);
  };
}
