import { isRouteName } from './place.ts';
import type { ObservedRoute, Server, Wanted } from './route.ts';

const MOST_WEIGHT = 256;
const MOST_PORT = 65_535;

/**
 * Why a desired state must not reach a proxy; undefined if it may. swapctl checks every change before a driver sees it. `isDown`:
 * nothing answers at an address any more, so its server may go without a drain.
 */
export function whyForbidden(
  route: string,
  before: ObservedRoute,
  wanted: Wanted,
  isDown: (address: string) => boolean = () => false,
): string | undefined {
  if (!isRouteName(route)) return `${JSON.stringify(route.slice(0, 60))} is no name of a route`;
  if (wanted.kind === 'baseline') return undefined;
  return (
    wrongServers(wanted.servers) ??
    nobodyReady(wanted) ??
    anotherRoll(before, wanted.roll) ??
    droppedServer(before, wanted.servers, isDown)
  );
}

function wrongServers(servers: readonly Server[]): string | undefined {
  const known = new Set<string>();
  for (const { address, weight } of servers) {
    if (!isAddress(address)) return `${JSON.stringify(address.slice(0, 60))} is no address of a server`;
    if (known.has(address)) return `${address} is named twice`;
    if (!Number.isInteger(weight) || weight < 1 || weight > MOST_WEIGHT) return `${weight} is no weight`;
    known.add(address);
  }
  return undefined;
}

function nobodyReady(wanted: Exclude<Wanted, { kind: 'baseline' }>): string | undefined {
  if (wanted.kind === 'held') return wanted.longestMs > 0 ? undefined : 'requests would be held for no time';
  return wanted.servers.some(({ state }) => state === 'ready') ? undefined : 'no server would be ready';
}

function anotherRoll({ wanted }: ObservedRoute, roll: string): string | undefined {
  if (wanted.kind === 'baseline' || wanted.roll === roll) return undefined;
  return `another roll (${wanted.roll}) changes this route`;
}

// With the baseline, the proxy's owner decides, so only servers that an overlay made ready have to be drained.
function droppedServer(
  { wanted, servers }: ObservedRoute,
  next: readonly Server[],
  isDown: (address: string) => boolean,
): string | undefined {
  if (wanted.kind === 'baseline') return undefined;
  const stays = new Set(next.flatMap(({ address, state }) => (state === 'off' ? [] : [address])));
  const dropped = servers.find(({ address, state }) => state === 'ready' && !stays.has(address) && !isDown(address));
  return dropped && `${dropped.address} would go without a drain`;
}

/** True if a text is `IP:PORT`, an IPv6 address in brackets. */
export function isAddress(text: string): boolean {
  const [, host = '', digits = ''] = /^(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]):([1-9]\d{0,4})$/i.exec(text) ?? [];
  return host !== '' && Number(digits) <= MOST_PORT && URL.canParse(`http://${host}/`);
}

/** Writes an address as proxies take it. */
export function addressText(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
