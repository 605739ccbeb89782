import { lookup } from 'node:dns';
import { lookup as lookupAll } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';

// RFC 1918, RFC 6598 (carriers), RFC 3927 and RFC 4291 (link-local: clouds answer with secrets there), RFC 4193 (unique local).
const INNER = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  INNER.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  INNER.addSubnet(network, bits, 'ipv6');

/** True: the IP address belongs only to a machine or a private network. */
export function isInnerAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && INNER.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** True: a URL's host name (IPv6 in brackets) is or resolves to an inner address; rejects for an unknown name. */
export async function isInnerHost(hostname: string): Promise<boolean> {
  const bare = bareHost(hostname);
  if (isIP(bare)) return isInnerAddress(bare);
  const found = await lookupAll(bare, { all: true });
  return found.some(({ address }) => isInnerAddress(address));
}

/** A URL's host name in the form for the resolver: without the brackets of IPv6. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** The error code in place of a connection to an inner address. */
export const REFUSED_ADDRESS = 'ERR_INNER_ADDRESS';

/** Resolves names like Node does, but fails for inner addresses: at the connection itself, so that a second answer can't differ. */
export const outerLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, [] as never);
    const inner = addresses.find(({ address }) => isInnerAddress(address));
    if (inner) return callback(refusedAddress(hostname), [] as never);
    if (options.all) return callback(null, addresses);
    const [first] = addresses;
    callback(null, first?.address ?? '', first?.family ?? 4);
  });
};

/** The error for a host at a forbidden address. */
export function refusedAddress(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} is at a private address`), { code: REFUSED_ADDRESS });
}
