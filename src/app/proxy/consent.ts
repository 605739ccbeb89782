import type { ContainerSummary } from '../../core/model/container.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import { COMPOSE_PROJECT } from '../../core/model/label-keys.ts';
import { isAllowed, type Party } from '../../core/proxy/consent.ts';
import { type ProxyPlace, shownPlace } from '../../core/proxy/place.ts';
import { groupServices, type Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { settingsOf } from '../select/settings.ts';

/** The container of a proxy, and its service. */
export interface ProxyContainer {
  readonly service: string;
  readonly container: ContainerSummary;
}

/**
 * Raises `refused` if only a label of a service (its key) names a proxy whose owner did not agree: a label must not steer containers of
 * others, nor programs of the host. The owner of the host agrees in swapctl.yml.
 */
export function refuseWithoutConsent(
  ports: Pick<Ports, 'config'>,
  service: string,
  place: ProxyPlace,
  proxy: ProxyContainer | undefined,
  all: readonly ContainerSummary[],
): void {
  if (!place.byLabel) return;
  const named = shownPlace(place);
  if (!proxy) throw onHost(service, named);
  const { proxyAllow } = settingsOf(ports, proxy.service, proxy.container.labels);
  const asker = groupServices(all).find(({ key }) => key === service);
  const project = proxy.container.labels[COMPOSE_PROJECT];
  if (isAllowed(partyOf(service, asker), { key: proxy.service, project }, proxyAllow)) return;
  fail('refused', `${proxy.container.name} does not let the labels of ${service} name it as their proxy`, {
    hint: `add the label swapctl.proxy.allow=${service} to ${proxy.container.name}, or set proxy: ${named} for ${service} in swapctl.yml`,
  });
}

function onHost(service: string, named: string): SwapError {
  return new SwapError('refused', `a label of ${service} names a proxy of the host (${named})`, {
    hint: `set it in swapctl.yml instead: services: { ${service}: { proxy: "${named}" } }`,
  });
}

function partyOf(key: string, service: Service | undefined): Party {
  const [member] = service?.slots.flatMap(({ members }) => members) ?? [];
  return { key, project: member?.labels[COMPOSE_PROJECT] };
}
