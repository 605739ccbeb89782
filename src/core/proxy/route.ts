/** The state of a server behind a route: absent → off → ready → draining → absent. */
export type ServerState = 'off' | 'ready' | 'draining';

/** One server of a route, as swapctl wants it. */
export interface Server {
  readonly address: string;
  readonly state: ServerState;
  /** The share of new requests among the ready servers, 1 to 256. */
  readonly weight: number;
}

/**
 * The desired state of a route. `baseline`: as the owner of the proxy wrote it, by name. `servers`: the overlay of one roll.
 * `held`: new requests wait until the next change, at most `longestMs`.
 */
export type Wanted =
  | { readonly kind: 'baseline' }
  | { readonly kind: 'servers'; readonly roll: string; readonly servers: readonly Server[] }
  | { readonly kind: 'held'; readonly roll: string; readonly servers: readonly Server[]; readonly longestMs: number };

/** A server as the proxy acts on it; counts are absent where the proxy has none. */
export interface ObservedServer extends Server {
  /** Requests in progress. */
  readonly inFlight?: number;
  /** Idle connections that the proxy keeps open. */
  readonly idle?: number;
}

/** A route as the proxy acts on it now, not as a file describes it. */
export interface ObservedRoute {
  readonly wanted: Wanted;
  readonly servers: readonly ObservedServer[];
  /** For people: parts of ended rolls that the proxy could not remove yet, and that get no requests. */
  readonly leftovers?: readonly string[];
}

/** The capabilities of a proxy, as data. */
export interface ProxyFacts {
  readonly driver: string;
  readonly version: string;
  /** The proxy counts the requests in progress for each server. */
  readonly countsInFlight: boolean;
  readonly weights: boolean;
  /** `connections`: only new connections can be held, not requests on open ones. */
  readonly hold: 'no' | 'connections' | 'requests';
  /** The longest hold that its configuration allows; absent: no limit is known. */
  readonly longestHoldMs?: number;
  /** An idle client connection survives a change of a route. */
  readonly keepsIdleClients: boolean;
  /** A WebSocket or another long response survives a change of a route. */
  readonly keepsStreams: boolean;
  /** The minimum time between two changes that both take effect. */
  readonly minMsBetween: number;
  /** For people: limits of this version and configuration. */
  readonly warnings: readonly string[];
}
