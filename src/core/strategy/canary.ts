import type { Container } from '../model/container.ts';
import type { Strategy } from '../model/strategy.ts';
import { type KernelLayer, whyNoRules } from '../traffic/kernel-layer.ts';

/** A proxy in front that is told, by its name. */
interface Proxied {
  readonly name: string;
  readonly facts: { readonly weights: boolean } | undefined;
}

/** The reason for refusing a canary: neither a proxy nor the kernel can give a candidate a share; undefined: a canary is possible. */
export function whyNoCanary(
  proxied: Proxied | undefined,
  strategy: Strategy,
  { networks }: Pick<Container, 'networks'>,
  kernel: KernelLayer,
): string | undefined {
  if (proxied && !proxied.facts?.weights) return `${proxied.name} takes no weights`;
  if (strategy === 'stop-first') return `its containers can't run side by side (${strategy})`;
  if (proxied) return strategy === 'start-first' ? undefined : `${proxied.name} does not switch it (${strategy})`;
  const why = whyNoRules(kernel, 'address redirect') ?? whyNoRules(kernel, 'connection share');
  if (why !== undefined) return `no proxy is told (swapctl.proxy), and the kernel can't share connections: ${why}`;
  const isReached = Object.values(networks).some(({ IPAddress, GlobalIPv6Address }) => IPAddress || GlobalIPv6Address);
  return isReached ? undefined : 'it has no address of its own by which connections could be shared';
}
