import { isIP } from 'node:net';
import { addressText } from '../../../core/proxy/check.ts';
import type { Resolve } from '../access/resolve.ts';
import type { Backend } from './backend.ts';
import { CommandRefused } from './runtime.ts';
import { isDisabled, type Member } from './state.ts';

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

/** By server: the address that it has, if its name still has that one, else one that no other server has. */
async function newAddresses(owners: readonly Member[], resolve: Resolve): Promise<Map<string, string>> {
  const chosen = new Map<string, string>();
  for (const { host, port, members } of groupsOf(owners)) {
    const addresses = (await mustResolve(resolve, host)).map((ip) => addressText(ip, port));
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

async function mustResolve(resolve: Resolve, name: string): Promise<readonly string[]> {
  const found = await resolve(name);
  if (found.length > 0) return found;
  throw new CommandRefused(`the name ${name} has no address where HAProxy runs`);
}
