import type { Proxied } from './proxied.ts';
import type { ProxyFacts } from './route.ts';

/** The proxy in front of a replica, what it can do, and its limits: for plans and reports. */
export interface ProxyReport extends ProxyFacts {
  /** As its user writes it. */
  readonly proxy: string;
  readonly route: string;
  readonly port: number;
}

/** Describes a proxy that was asked for its capabilities; undefined if there is none, or it was not asked. */
export function proxyReport(proxied: Proxied | undefined): ProxyReport | undefined {
  if (!proxied?.facts) return undefined;
  const { name: proxy, route, port, facts } = proxied;
  return { proxy, route, port, ...facts };
}

/** A proxy and its capabilities in one line. */
export function proxyText(report: ProxyReport): string {
  const { proxy, driver, version, route, port } = report;
  const capabilities = capabilitiesOf(report);
  const can = capabilities.flatMap(([what, able]) => (able ? [what] : []));
  const cannot = capabilities.flatMap(([what, able]) => (able ? [] : [what]));
  const parts = [
    can.length > 0 ? `; it can ${can.join(', ')}` : '',
    cannot.length > 0 ? `; it cannot ${cannot.join(', ')}` : '',
  ];
  return `${proxy} (${driver} ${version}) switches the route ${route} at port ${port}${parts.join('')}`;
}

function capabilitiesOf(facts: ProxyFacts): [string, boolean][] {
  return [
    ['keep idle clients', facts.keepsIdleClients],
    ['keep streams', facts.keepsStreams],
    ['count requests under way', facts.countsInFlight],
    ['take weights', facts.weights],
    [facts.hold === 'connections' ? 'hold new connections' : 'hold requests', facts.hold !== 'no'],
  ];
}
