import type { Strategy } from '../model/strategy.ts';
import type { Policy } from '../settings/policy.ts';
import { formatDuration } from '../text/duration.ts';
import type { Proxied } from './proxied.ts';

/** The part of the reason for a strategy that names the proxy. */
export function switchedBy(proxied: Proxied | undefined, strategy: Strategy): string {
  if (!proxied || strategy !== 'start-first') return '';
  return `; ${proxied.name} switches and drains it by the route ${proxied.route}`;
}

/** The warnings about a proxy before a roll. */
export function proxyNotes(
  proxied: Proxied | undefined,
  strategy: Strategy,
  { proxyHoldMs }: Pick<Policy, 'proxyHoldMs'>,
): string[] {
  if (!proxied) return [];
  const { name, facts } = proxied;
  const warnings = (facts?.warnings ?? []).map((text) => `${name}: ${text}`);
  if (strategy === 'start-first') return warnings;
  if (strategy === 'handover')
    return [
      ...warnings,
      `${name} could switch it if it published no fixed host port; until the new container is healthy it uses the name`,
    ];
  return [...warnings, gapNote(name, facts, proxyHoldMs)];
}

const BETWEEN = 'while one container replaces the other, and no other replica serves,';

function gapNote(name: string, facts: Proxied['facts'], holdMs: number): string {
  const { hold = 'no', longestHoldMs = holdMs } = facts ?? {};
  if (holdMs === 0) return `${BETWEEN} requests by ${name} fail (swapctl.proxy.hold)`;
  if (hold === 'no') return `${BETWEEN} requests fail, since ${name} can hold none`;
  const what = hold === 'connections' ? 'new connections, not requests on open ones,' : 'requests';
  const most = Math.min(holdMs, longestHoldMs);
  const less =
    most < holdMs ? `, since its configuration allows no ${formatDuration(holdMs)} (swapctl.proxy.hold)` : '';
  return `${BETWEEN} ${name} holds ${what} at most for ${formatDuration(most)}${less}`;
}
