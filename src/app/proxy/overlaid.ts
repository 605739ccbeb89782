import type { ContainerSummary } from '../../core/model/container.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import type { Proxied } from '../../core/proxy/proxied.ts';
import { isForeignTo, overlayOf } from '../../core/rollout/route.ts';
import type { Service, Slot } from '../../core/service/service.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { Ports } from '../../ports/ports.ts';
import { lenientSettingsOf } from '../select/settings.ts';
import { openProxy } from './open.ts';
import { proxiedBy } from './proxied.ts';

const NEVER = new AbortController().signal;

/** The slot of a service whose proxy still uses the overlay of a roll, dead or alive. */
export async function overlaidSlot(
  ports: Ports,
  service: Service,
  all: readonly ContainerSummary[],
): Promise<Slot | undefined> {
  const [slot] = service.slots.filter(({ members }) => members.length > 0);
  const [member] = slot?.members ?? [];
  if (!slot || !member) return undefined;
  const policy = lenientSettingsOf(ports, service.key, member.labels);
  if (!policy.proxy) return undefined;
  const container = await ports.engine.container(member.id);
  const proxied = container && knownProxy(service.key, container, policy);
  return proxied && (await hasOverlay(ports, service, proxied, all)) ? slot : undefined;
}

async function hasOverlay(
  ports: Ports,
  service: Service,
  { name, place, route }: Proxied,
  all: readonly ContainerSummary[],
): Promise<boolean> {
  try {
    const seen = await openProxy(ports, service.key, place, all).driver.route(route, NEVER);
    return seen !== undefined && overlayOf(seen) !== undefined && !isForeignTo(service.key, seen, all);
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    ports.report({ kind: 'note', text: `${service.key}: the proxy ${name} can't be asked: ${messageOf(error)}` });
    return false;
  }
}

/** The proxy of a service whose roll is recovered; wrong settings must not keep the roll from its end. */
export async function recoveredProxy(
  ports: Ports,
  service: string,
  container: Parameters<typeof proxiedBy>[1],
  policy: Policy,
  all: readonly ContainerSummary[],
): Promise<Proxied | undefined> {
  const proxied = knownProxy(service, container, policy);
  return proxied && { ...proxied, facts: await factsOf(ports, service, proxied, all) };
}

// A configuration that is broken elsewhere must not leave an overlay behind.
async function factsOf(
  ports: Ports,
  service: string,
  { place, route }: Proxied,
  all: readonly ContainerSummary[],
): Promise<Proxied['facts']> {
  try {
    return await openProxy(ports, service, place, all).driver.facts(NEVER, route);
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    return undefined;
  }
}

function knownProxy(...asked: Parameters<typeof proxiedBy>): Proxied | undefined {
  try {
    return proxiedBy(...asked);
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    return undefined;
  }
}
