import type { ObservedRoute, ProxyFacts, Wanted } from '../core/proxy/route.ts';

/** A proxy in front of services that swapctl drives; one implementation for each kind of proxy. */
export interface TrafficDriver {
  /**
   * Asked at the start of a roll. The capabilities of a proxy may depend on the configuration of the route. Raises
   * `proxy-unreachable`, and `proxy-config` for a configuration that is already broken.
   */
  facts(signal: AbortSignal, route?: string): Promise<ProxyFacts>;
  /** The route as the proxy acts on it now; undefined if it has no such route. Raises `proxy-unreachable`. */
  route(name: string, signal: AbortSignal): Promise<ObservedRoute | undefined>;
  /**
   * Resolves once every new request obeys. A state equal to the present one changes nothing, not even by a reload. Raises
   * `proxy-refused` with the proxy's own words; the previous state is then in force, in the proxy and in its files.
   */
  apply(name: string, wanted: Wanted, signal: AbortSignal): Promise<void>;
}

/** Opens the driver of a proxy; `place`: the id of its container, `host`, or `host:FILE`. */
export type OpenTrafficDriver = (driver: string, place: string) => TrafficDriver;
