import type { Container, ListedContainer } from '../model/container.ts';
import { addressText } from './check.ts';
import type { ProxyPlace } from './place.ts';
import type { ProxyFacts } from './route.ts';

/** The proxy in front of a service, and how it reaches the service. */
export interface Proxied {
  /** As its user writes it. */
  readonly name: string;
  readonly place: ProxyPlace;
  readonly route: string;
  readonly port: number;
  /** Unknown during a recovery, which does not need it. */
  readonly facts: ProxyFacts | undefined;
}

/** The networks in which a proxy reaches containers; undefined: all, since it has the host's network. */
export function networksOf(
  proxy: ListedContainer | undefined,
  all: readonly ListedContainer[],
): readonly string[] | undefined {
  if (!proxy) return undefined;
  const owner = proxy.networkOf === undefined ? proxy : all.find(({ id }) => id === proxy.networkOf);
  return owner?.networks.includes('host') ? undefined : (owner?.networks ?? []);
}

/** The address at which a proxy reaches a container, preferably IPv4; undefined if it has none. */
export function reachedAt(
  { networks }: Pick<Container, 'networks'>,
  shared: readonly string[] | undefined,
  port: number,
): string | undefined {
  const names = Object.keys(networks).filter((name) => shared === undefined || shared.includes(name));
  const ends = names.sort().map((name) => networks[name]);
  const [ip] = [...ends.map((end) => end?.IPAddress), ...ends.map((end) => end?.GlobalIPv6Address)].filter(Boolean);
  return ip === undefined ? undefined : addressText(ip, port);
}

/** The TCP ports that a container exposes. */
export function exposedPorts({ config }: Pick<Container, 'config'>): number[] {
  return Object.keys(config.ExposedPorts ?? {}).flatMap((key) => {
    const [number, protocol = 'tcp'] = key.split('/');
    return protocol === 'tcp' && Number(number) > 0 ? [Number(number)] : [];
  });
}
