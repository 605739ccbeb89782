import type { Container, ContainerSummary } from '../model/container.ts';
import { COMPOSE_SERVICE } from '../model/label-keys.ts';
import type { ObservedServer } from './route.ts';

/** Containers by their addresses, and the names by which a proxy may find them. */
interface Found {
  readonly names: ReadonlySet<string>;
  readonly addresses: ReadonlySet<string>;
}

/**
 * The containers behind a route, if none of its servers can be the service: then its name is a mistake, or the user wants the
 * requests of another service. Undefined: the route reaches the service, or containers unknown to this engine. `own`: ids of its
 * containers.
 */
export function servesOthers(
  servers: readonly Pick<ObservedServer, 'address'>[],
  container: Pick<Container, 'name' | 'networks'>,
  own: ReadonlySet<string>,
  all: readonly ContainerSummary[],
): readonly string[] | undefined {
  const ours = foundAs(all.filter(({ id }) => own.has(id)));
  const aliases = Object.values(container.networks).flatMap(({ Aliases }) => Aliases ?? []);
  const others = all.filter(({ id }) => !own.has(id));
  const strangers = servers.map(({ address }) => {
    const host = hostOf(address);
    if (aliases.includes(host) || isOf(ours, host)) return undefined;
    return others.find((one) => isOf(foundAs([one]), host))?.name;
  });
  const names = strangers.filter((name) => name !== undefined);
  return servers.length > 0 && names.length === servers.length ? names : undefined;
}

function foundAs(all: readonly ContainerSummary[]): Found {
  const services = all.flatMap(({ labels }) => labels[COMPOSE_SERVICE] ?? []);
  return {
    names: new Set([...all.map(({ name }) => name), ...services]),
    addresses: new Set(all.flatMap(({ addresses }) => addresses)),
  };
}

function isOf({ names, addresses }: Found, host: string): boolean {
  return names.has(host) || addresses.has(host);
}

// The address of a driver: an IP or a name, with a port and perhaps a scheme.
function hostOf(address: string): string {
  const bare = address.replace(/^[a-z]+:\/\//, '').replace(/[/?].*$/, '');
  return bare.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}
