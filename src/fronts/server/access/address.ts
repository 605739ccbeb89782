import { BlockList, isIP, isIPv6 } from 'node:net';
import { fail } from '../../../core/model/error.ts';
import { printable } from '../../../core/text/suggest.ts';

/** Finds the address of a caller; X-Forwarded-For counts only if a trusted proxy sends it. */
export type CallerAddress = (peer: string | undefined, forwardedFor: string | undefined) => string;

const MOST_HOPS = 20;

/**
 * Trusts some proxies, by address or network (`10.0.0.0/8`). The header is read from its end: the last address that is not of
 * a trusted proxy is the caller's, since everything before it can be forged. Raises `config`.
 */
export function callerAddress(trusted: readonly string[]): CallerAddress {
  const proxies = new BlockList();
  for (const one of trusted) addNetwork(proxies, one);
  const isProxy = (address: string): boolean =>
    isIP(address) > 0 && proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  return (peer, forwardedFor) => {
    const own = plain(peer ?? '');
    if (forwardedFor === undefined || !isProxy(own)) return own || 'unknown';
    const hops = forwardedFor
      .split(',')
      .slice(-MOST_HOPS)
      .map((hop) => plain(withoutPort(hop.trim())));
    let caller = own;
    for (const hop of hops.reverse()) {
      if (!isProxy(caller) || isIP(hop) === 0) break;
      caller = hop;
    }
    return caller;
  };
}

/** True if a text is an address or a network. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && most > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
}

/** The key under which failures are counted: all 2^64 addresses of an IPv6 /64 network count together. */
export function countedAs(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = address.split('::');
  const front = head.split(':').filter(Boolean);
  const back = address.includes('::') ? tail.split(':').filter(Boolean) : [];
  const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0');
  const parts = [...front, ...(address.includes('::') ? zeros : []), ...back].slice(0, 4);
  return `${parts.map((part) => part.toLowerCase().replace(/^0+(?=.)/, '')).join(':')}::/64`;
}

function addNetwork(proxies: BlockList, text: string): void {
  if (!isNetwork(text))
    fail('config', `${printable(text)} is not an address or network`, { hint: 'write it like 10.0.0.5 or 10.0.0.0/8' });
  const [address = '', bits] = text.split('/');
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  if (bits === undefined) proxies.addAddress(address, family);
  else proxies.addSubnet(address, Number(bits), family);
}

// A socket for both families reports IPv4 addresses as ::ffff:192.0.2.1.
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '');
}

function withoutPort(hop: string): string {
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/.exec(hop) ?? [];
  return bracketed ?? (/^[\d.]+:\d+$/.test(hop) ? hop.replace(/:\d+$/, '') : hop);
}
