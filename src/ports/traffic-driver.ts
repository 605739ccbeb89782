import type { ObservedRoute, ProxyFacts, Wanted } from '../core/proxy/route.ts';

/** A proxy in front of services that is told of an update; one implementation for each kind of proxy. */
export interface TrafficDriver {
  /**
   * Asked at the start of a roll. What a proxy can do may depend on how a route is configured. Raises `proxy-unreachable`, and
   * `proxy-config` for a configuration that is broken already.
   */
  facts(signal: AbortSignal, route?: string): Promise<ProxyFacts>;
  /** The route as the proxy acts on it now; undefined if it has no such route. Raises `proxy-unreachable`. */
  route(name: string, signal: AbortSignal): Promise<ObservedRoute | undefined>;
  /**
   * Resolves once every new request obeys. Equal to the present state: changes nothing, not even by a reload. Raises
   * `proxy-refused` with the proxy's own words; then the state before is in force, in the proxy and in its files.
   */
  apply(name: string, wanted: Wanted, signal: AbortSignal): Promise<void>;
}

/** Opens the driver of a proxy; `place`: the id of its container, `host`, or `host:FILE`. */
export type OpenTrafficDriver = (driver: string, place: string) => TrafficDriver;
