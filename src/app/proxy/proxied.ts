import type { Container, ContainerSummary } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import { servesOthers } from '../../core/proxy/elsewhere.ts';
import { shownPlace } from '../../core/proxy/place.ts';
import { exposedPorts, type Proxied, reachedAt } from '../../core/proxy/proxied.ts';
import type { ObservedRoute } from '../../core/proxy/route.ts';
import { occupied, overlayOf } from '../../core/rollout/route.ts';
import { groupServices } from '../../core/service/service.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { Ports } from '../../ports/ports.ts';
import { type OpenProxy, openProxy } from './open.ts';

type ProxySettings = Pick<Policy, 'proxy' | 'proxyRoute' | 'proxyPort'>;
type Subject = Pick<Container, 'id' | 'name' | 'config' | 'networks'>;

/**
 * The proxy that a service (its key) names, tested before the first change. Raises `config`, `refused`, `proxy-unreachable`,
 * `proxy-config`, and `busy` while another roll changes its route.
 */
export async function prepareProxy(
  ports: Pick<Ports, 'proxies' | 'config'>,
  service: string,
  container: Subject,
  policy: ProxySettings,
  all: readonly ContainerSummary[],
  signal: AbortSignal,
): Promise<Proxied | undefined> {
  const proxied = proxiedBy(service, container, policy);
  if (!proxied) return undefined;
  const proxy = openProxy(ports, service, proxied.place, all);
  refuseItself(proxied, container, proxy, all);
  const facts = await proxy.driver.facts(signal, proxied.route);
  const route = await proxy.driver.route(proxied.route, signal);
  if (!route) return fail('proxy-config', `the proxy ${proxied.name} has no route ${proxied.route}`, { hint: ADD });
  if (overlayOf(route) !== undefined) throw occupied(proxied, route);
  refuseElsewhere(proxied, route, service, container, all);
  if (reachedAt(container, proxy.networks, proxied.port) === undefined)
    fail('refused', `the proxy ${proxied.name} shares no network with ${container.name}`, {
      hint: 'attach both to the same network (docker network connect)',
    });
  return { ...proxied, facts };
}

// Otherwise a container could take the requests of another service by its own label.
function refuseElsewhere(
  { name, route }: Proxied,
  { servers }: ObservedRoute,
  service: string,
  container: Subject,
  all: readonly ContainerSummary[],
): void {
  const members =
    groupServices(all)
      .find(({ key }) => key === service)
      ?.slots.flatMap((slot) => slot.members) ?? [];
  const others = servesOthers(servers, container, new Set([container.id, ...members.map(({ id }) => id)]), all);
  if (others)
    fail('proxy-config', `the route ${route} of ${name} leads to ${others.join(', ')}, not to ${container.name}`, {
      hint: 'name the route of the service with swapctl.proxy.route',
    });
}

const ADD = 'name its route with swapctl.proxy.route, or add one to its configuration';

/** The proxy that the settings of a service name. Raises `config`. */
export function proxiedBy(
  service: string,
  container: Pick<Container, 'name' | 'config'>,
  { proxy, proxyRoute, proxyPort }: ProxySettings,
): Proxied | undefined {
  if (!proxy) {
    if (proxyRoute === undefined && proxyPort === undefined) return undefined;
    return fail('config', `${service} has swapctl.proxy.${proxyRoute === undefined ? 'port' : 'route'} and no proxy`, {
      hint: 'name the proxy with swapctl.proxy, like nginx:edge',
    });
  }
  const route = proxyRoute ?? service.slice(service.lastIndexOf('/') + 1);
  return { name: shownPlace(proxy), place: proxy, route, port: proxyPort ?? onlyPort(container), facts: undefined };
}

function onlyPort(container: Pick<Container, 'name' | 'config'>): number {
  const ports = exposedPorts(container);
  const [port] = ports;
  if (port !== undefined && ports.length === 1) return port;
  const found = ports.length === 0 ? 'no TCP port' : `${ports.length} TCP ports (${ports.join(', ')})`;
  return fail('config', `${container.name} exposes ${found}, so the port for its proxy is unknown`, {
    hint: 'set swapctl.proxy.port',
  });
}

function refuseItself(
  { name }: Proxied,
  { id }: Subject,
  { container }: OpenProxy,
  all: readonly ContainerSummary[],
): void {
  const own = all.find((one) => one.id === id);
  if (container && container.id === own?.id)
    fail('config', `${container.name} names itself as its proxy (${name})`, { hint: 'name the proxy in front of it' });
}
