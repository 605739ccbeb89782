import type { Proxied } from './proxied.ts';
import type { ProxyFacts } from './route.ts';

/** The proxy in front of a replica, what it can do, and its limits: for plans and reports. */
export interface ProxyReport extends ProxyFacts {
  /** As its user writes it. */
  readonly proxy: string;
  readonly route: string;
  readonly port: number;
}

/** Describes a proxy that was asked; undefined: there is none, or it was not. */
export function proxyReport(proxied: Proxied | undefined): ProxyReport | undefined {
  if (!proxied?.facts) return undefined;
  const { name: proxy, route, port, facts } = proxied;
  return { proxy, route, port, ...facts };
}

/** What a proxy is and can do, in one line. */
export function proxyText(report: ProxyReport): string {
  const { proxy, driver, version, route, port, warnings: _, ...facts } = report;
  const abilities = Object.entries(ABILITIES(facts));
  const can = abilities.flatMap(([what, able]) => (able ? [what] : []));
  const cannot = abilities.flatMap(([what, able]) => (able ? [] : [what]));
  const parts = [
    ...(can.length > 0 ? [`it ${list(can)}`] : []),
    ...(cannot.length > 0 ? [`not: ${list(cannot)}`] : []),
  ];
  return `${proxy} (${driver} ${version}) switches the route ${route} at port ${port}; ${parts.join('; ')}`;
}

const ABILITIES = (
  facts: Pick<ProxyFacts, 'keepsIdleClients' | 'keepsStreams' | 'countsInFlight' | 'weights' | 'hold'>,
) => ({
  'keeps idle clients': facts.keepsIdleClients,
  'keeps streams': facts.keepsStreams,
  'counts requests under way': facts.countsInFlight,
  'takes weights': facts.weights,
  [facts.hold === 'connections' ? 'holds new connections' : 'holds requests']: facts.hold !== 'no',
});

function list(items: readonly string[]): string {
  return items.join(', ');
}
