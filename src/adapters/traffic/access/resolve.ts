import { isIP } from 'node:net';
import type { ProxyAccess } from '../../../ports/proxy-access.ts';

/** Resolves a name where the proxy runs; no address: an empty list. */
export type Resolve = (name: string) => Promise<readonly string[]>;

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/;
/** Of getent; not every image's knows the first ones. */
const DATABASES = ['ahostsv4', 'ahosts', 'hosts'];

/** Asks the resolver of the proxy's own machine or container. */
export function resolverOf(access: ProxyAccess, signal: AbortSignal): Resolve {
  return async (name) => {
    if (isIP(name) !== 0) return [name];
    if (!NAME.test(name)) return [];
    for (const database of DATABASES) {
      const { code, output } = await access.run(['getent', database, name], signal);
      const found = output.split('\n').map((line) => line.split(/\s/)[0] ?? '');
      const addresses = [...new Set(found.filter((one) => isIP(one) !== 0))];
      if (code === 0 && addresses.length > 0) return addresses;
    }
    return [];
  };
}
