import type { ContainerSummary } from '../../core/model/container.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import { isOnHost, type ProxyPlace, shownPlace } from '../../core/proxy/place.ts';
import { networksOf } from '../../core/proxy/proxied.ts';
import { findService, groupServices } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import type { TrafficDriver } from '../../ports/traffic-driver.ts';
import { type ProxyContainer, refuseWithoutConsent } from './consent.ts';

/** A proxy that can be asked. */
export interface OpenProxy {
  readonly driver: TrafficDriver;
  /** Its container; undefined: it runs on the host. */
  readonly container: ContainerSummary | undefined;
  /** Names of the networks that it shares; undefined: all. */
  readonly networks: readonly string[] | undefined;
}

/**
 * Opens the proxy that a service (its key) names, in its present place: it may have been re-created since the last observation. Raises
 * `config` for an unknown driver or container, `refused` if its owner did not agree, and `proxy-unreachable` if it does not run.
 */
export function openProxy(
  ports: Pick<Ports, 'proxies' | 'config'>,
  service: string,
  place: ProxyPlace,
  all: readonly ContainerSummary[],
): OpenProxy {
  const named = isOnHost(place.place) ? undefined : containerOf(place, all);
  refuseWithoutConsent(ports, service, place, named, all);
  const container = named?.container;
  const driver = ports.proxies(place.driver, container?.id ?? place.place);
  if (container && container.status !== 'running')
    fail('proxy-unreachable', `the proxy ${shownPlace(place)} does not run (${container.name}: ${container.status})`, {
      hint: `docker start ${container.name}`,
    });
  return { driver, container, networks: networksOf(container, all) };
}

function containerOf(proxy: ProxyPlace, all: readonly ContainerSummary[]): ProxyContainer {
  const { key: service, slots } = namedBy(proxy, all);
  const [slot] = slots;
  if (!slot || slots.length > 1)
    return fail('config', `swapctl.proxy=${shownPlace(proxy)} names ${slots.length} containers`, {
      hint: `name one: ${slots.map(({ slotName }) => `${proxy.driver}:${slotName}`).join(', ')}`,
    });
  const { slotName, members } = slot;
  // During a roll of the proxy itself there are two.
  const container =
    members.find(({ name }) => name === slotName) ??
    members[0] ??
    fail('proxy-unreachable', `the container of the proxy ${shownPlace(proxy)} is gone`);
  return { service, container };
}

function namedBy(proxy: ProxyPlace, all: readonly ContainerSummary[]): ReturnType<typeof findService> {
  try {
    return findService(groupServices(all), proxy.place);
  } catch (raised) {
    if (!(raised instanceof SwapError)) throw raised;
    return fail('config', `swapctl.proxy=${shownPlace(proxy)}: ${raised.message}`, {
      hint: raised.hint ?? 'name the container of the proxy, its project/service, or host',
    });
  }
}
