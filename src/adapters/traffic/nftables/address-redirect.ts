import { readFile } from 'node:fs/promises';
import { BlockList, isIPv6 } from 'node:net';
import type { Endpoint } from '../../../core/model/container.ts';
import { fail } from '../../../core/model/error.ts';
import { nftInterface } from '../../../core/text/encode/nft.ts';
import { RuleError } from '../../../core/traffic/kernel-layer.ts';
import type { RedirectedClient } from '../../../core/traffic/routes.ts';
import { parseSockets } from '../../../core/traffic/sockets.ts';
import type {
  Bridge,
  FindProcess,
  Process,
  RedirectEnd,
  RedirectStart,
  SeenAddressRedirect,
} from '../../../ports/ports.ts';
import {
  addressRedirectEnds,
  addressRedirectTable,
  clearHostScript,
  haltScript,
  hostScript,
  isLive,
  type Lane,
  redirectedClients,
  renewScript,
  TABLE_FAMILIES,
  targetScript,
} from './address-redirect-rules.ts';
import { endHoldScript, holdTable, isHeld, isHoldTable } from './hold.ts';
import { applyNft, tableOf, tablesOf } from './nft.ts';
import { removeScript } from './rules.ts';
import { type Script, together } from './script.ts';
import { shareIn } from './share.ts';

interface AddressRedirectAsked {
  readonly from: RedirectStart;
  readonly to: RedirectEnd;
  readonly bridges: readonly Bridge[];
  readonly lifetimeMs: number;
  /** True: this process has already begun it. */
  readonly again?: boolean;
  readonly percent?: number | undefined;
}

/**
 * Redirects new connections from one container to the other, or extends that. Raises `step-failed` if it can't. `owner`, here and below:
 * the engine of the containers, since the rules of other engines are not ours.
 */
export async function redirectAddress(
  owner: string,
  { from, to, bridges, lifetimeMs, again, percent }: AddressRedirectAsked,
): Promise<void> {
  const table = addressRedirectTable(owner, from.id, to.id);
  const lanes = lanesBetween(from, to, bridges);
  if (lanes.length === 0) fail('step-failed', 'the two containers have no addresses of their own in a bridge network');
  // Without reading the table first: on a busy machine each process takes seconds to start, and a late renewal is useless.
  if (again && (await isChanged(table, renewScript(table, lanes, lifetimeMs)))) return;
  await applyNft(targetScript(table, lanes), to.pid);
  const host = hostScript(table, lanes, lifetimeMs, percent);
  await applyNft(together(host, endHoldScript(holdTable(owner, from.id))));
  // An earlier redirect from the same addresses keeps its connections.
  const others = (await tablesFrom(owner, from.id)).filter((one) => one.table !== table);
  for (const other of others) await halt(other.table);
}

/** Applies a script to the tables of a redirect; false if there are none. Raises RuleError if nft fails for another reason. */
async function isChanged(table: string, change: Script): Promise<boolean> {
  try {
    await applyNft(change);
    return true;
  } catch (error) {
    if ((await tableOf('bridge', table)) !== undefined) throw error;
    return false;
  }
}

/** The redirects of new connections from or to one of these containers now. */
export async function addressRedirects(owner: string, ids: readonly string[]): Promise<SeenAddressRedirect[]> {
  const tables = (await addressRedirectTables(owner)).filter((one) => isBetween(one, ids));
  const found = await Promise.all(tables.map(liveAddressRedirect));
  return found.filter((one) => one !== undefined);
}

// Reading a table costs a process, and other rolls have tables, too.
function isBetween({ from, to }: Ends, ids: readonly string[]): boolean {
  return ids.some((id) => id.startsWith(from) || id.startsWith(to));
}

/** The clients that connected to a container's addresses while new connections to them were redirected. */
export async function redirectedFrom(owner: string, from: string): Promise<RedirectedClient[]> {
  const tables = (await addressRedirectTables(owner)).filter((one) => from.startsWith(one.from));
  const found = await Promise.all(tables.map(({ table }) => tableOf('bridge', table)));
  return found.flatMap((one) => (one && isLive(one) ? redirectedClients(one) : []));
}

async function liveAddressRedirect({
  table,
  from,
  to,
}: AddressRedirectTable): Promise<SeenAddressRedirect | undefined> {
  const found = await tableOf('bridge', table);
  if (!found || !isLive(found)) return undefined;
  const percent = shareIn(found);
  return { from, to, ...(percent !== undefined && { percent }), connections: redirectedClients(found).length };
}

/** Prefixes of the ids of two containers. */
interface Ends {
  readonly from: string;
  readonly to: string;
}

interface AddressRedirectTable extends Ends {
  readonly table: string;
}

async function addressRedirectTables(owner: string): Promise<AddressRedirectTable[]> {
  return (await tablesOf('bridge')).flatMap((table) => {
    const ends = addressRedirectEnds(owner, table);
    return ends ? [{ table, ...ends }] : [];
  });
}

/** Stops redirecting new connections; redirected ones continue. */
export async function haltAddressRedirect(owner: string, from: string): Promise<void> {
  for (const { table } of await tablesFrom(owner, from)) await halt(table);
}

/** Stops redirecting new connections; the tables are removed as well once no redirected one is open. */
export async function endAddressRedirect(owner: string, from: string, find: FindProcess): Promise<number> {
  let left = 0;
  for (const { table, to: target } of await tablesFrom(owner, from)) {
    await halt(table);
    const to = await find(target);
    left += await clearIfOver(table, to && to.pid > 0 ? to : undefined);
  }
  return left;
}

/**
 * Removes redirects to removed containers, and ended ones from them. Resolves with the number of such tables; one that can't be removed
 * does not stop the others, and the first error is raised at the end.
 */
export async function sweepAddressRedirects(owner: string, find: FindProcess): Promise<number> {
  const failures: unknown[] = [];
  let swept = 0;
  for (const one of await addressRedirectTables(owner)) {
    try {
      if (await sweepAddressRedirect(one, find)) swept++;
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return swept + (await sweepHolds(owner));
}

// A start in progress holds for a while only.
async function sweepHolds(owner: string): Promise<number> {
  let swept = 0;
  for (const table of (await tablesOf('bridge')).filter((one) => isHoldTable(owner, one))) {
    const found = await tableOf('bridge', table);
    if (!found || isHeld(found)) continue;
    await applyNft(endHoldScript(table));
    swept++;
  }
  return swept;
}

async function sweepAddressRedirect(one: AddressRedirectTable, find: FindProcess): Promise<boolean> {
  const to = await find(one.to);
  // An active one belongs to a roll in progress; that of a dead roll is active for a while only.
  if (to && ((await liveAddressRedirect(one)) || (await find(one.from)))) return false;
  return (await clearIfOver(one.table, to)) === 0;
}

// Another process may have swept it in the meantime.
async function halt(table: string): Promise<void> {
  await isChanged(table, haltScript(table));
}

async function clearIfOver(table: string, to: Process | undefined): Promise<number> {
  const open = to ? await openConnections(table, to) : 0;
  if (open > 0) return open;
  await applyNft(clearHostScript(table));
  if (to) await unlessGone(to, applyNft(removeScript(table), to.pid));
  return 0;
}

// A container that ends at that moment takes its namespace along. One that can't be entered from here has no such table, or an inactive
// one.
async function unlessGone({ pid }: Process, cleaning: Promise<void>): Promise<void> {
  try {
    await cleaning;
  } catch (error) {
    if (error instanceof RuleError && error.trouble.kind === 'closed') return;
    if ((await textOf(`/proc/${pid}/net/tcp`)) !== undefined) throw error;
  }
}

// The set remembers connections for a while after their end; only the sockets show the open ones.
async function openConnections(table: string, { pid }: Process): Promise<number> {
  const redirected = await redirectedBy(table);
  if (redirected.length === 0) return 0;
  const texts = await Promise.all(['tcp', 'tcp6'].map((name) => textOf(`/proc/${pid}/net/${name}`)));
  const peers = texts
    .flatMap((text) => parseSockets(text ?? ''))
    .filter(({ state }) => state === 'open')
    .map(({ remoteAddress, remotePort }) => `${remoteAddress ?? 'ip6'} ${remotePort}`);
  const open = new Set(peers);
  return redirected.filter(({ address, port }) => open.has(`${isIPv6(address) ? 'ip6' : address} ${port}`)).length;
}

// NAT keeps the host's own connections without the table, except those that began anew (see unanswered.ts).
async function redirectedBy(table: string): Promise<RedirectedClient[]> {
  const found = await Promise.all(TABLE_FAMILIES.map((family) => tableOf(family, table)));
  return found.flatMap((one) => redirectedClients(one ?? {}));
}

async function tablesFrom(owner: string, from: string): Promise<AddressRedirectTable[]> {
  return (await addressRedirectTables(owner)).filter((one) => from.startsWith(one.from));
}

function lanesBetween(from: RedirectStart, to: RedirectEnd, bridges: readonly Bridge[]): Lane[] {
  return Object.entries(from.networks).flatMap(([network, ours]) => {
    const theirs = to.networks[network];
    return theirs ? lanesOf(ours, theirs, bridges) : [];
  });
}

function lanesOf(ours: Endpoint, theirs: Endpoint, bridges: readonly Bridge[]): Lane[] {
  const pairs = [
    ['ip', ours.IPAddress, theirs.IPAddress],
    ['ip6', ours.GlobalIPv6Address, theirs.GlobalIPv6Address],
  ] as const;
  return pairs.flatMap(([family, fromIp, toIp]) => {
    const device = nftInterface(bridges.find((bridge) => isIn(fromIp, bridge))?.device ?? '');
    // A container that started after the other had stopped may well have got its address.
    if (!fromIp || !toIp || fromIp === toIp || !ours.MacAddress || !theirs.MacAddress || !device) return [];
    return [{ family, device, from: { ip: fromIp, mac: ours.MacAddress }, to: { ip: toIp, mac: theirs.MacAddress } }];
  });
}

/** The subnets of the bridge networks that a container is in. */
export function subnetsAround({ networks }: RedirectStart, bridges: readonly Bridge[]): string[] {
  const own = Object.values(networks).flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address]);
  return bridges.filter((bridge) => own.some((address) => isIn(address, bridge))).flatMap(({ subnets }) => subnets);
}

function isIn(address: string | undefined, { subnets }: Bridge): boolean {
  if (!address) return false;
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  const all = new BlockList();
  for (const subnet of subnets) {
    const [net = '', bits] = subnet.split('/');
    all.addSubnet(net, Number(bits), isIPv6(net) ? 'ipv6' : 'ipv4');
  }
  return all.check(address, family);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
