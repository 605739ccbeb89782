import type { Bridge } from '../core/model/engine.ts';
import type { KernelLayer } from '../core/traffic/kernel-layer.ts';
import type {
  FindProcess,
  PortRedirect,
  PortRedirectRequest,
  Process,
  RedirectEnd,
  RedirectedClient,
  RedirectStart,
} from '../core/traffic/routes.ts';

/** `again`: extends a redirect that this process has begun. `percent`: the share of new connections; undefined: all. */
export interface RedirectHow {
  readonly again?: boolean;
  readonly percent?: number | undefined;
}

/** An active address redirect: prefixes of both ids, its share of new connections, and the number of redirected ones. */
export interface SeenAddressRedirect {
  readonly from: string;
  readonly to: string;
  readonly percent?: number | undefined;
  readonly connections: number;
}

/** Kernel rules for new connections; `slot` is the slot name. */
export interface Kernel {
  /**
   * The capability to move traffic of this engine's containers from here, by a trial of the real rules; `example` is a running
   * container, if there is any.
   */
  layer(bridges: readonly Bridge[], example: Process | undefined): Promise<KernelLayer>;
  portRedirect(slot: string): Promise<PortRedirect>;
  /** Redirects new connections to the slot's ports to the stand-in; without a lifetime until endCover. */
  setPortRedirect(slot: string, request: PortRedirectRequest): Promise<void>;
  /** Stops redirecting new connections; open ones continue. `leaving`: addresses of a stand-in that is about to stop, as in a request. */
  endPortRedirect(slot: string, leaving?: readonly string[]): Promise<void>;
  clearPortRedirect(slot: string): Promise<void>;
  /**
   * Rejects new connections to a container from its networks (not from its own loopback). Open ones continue. Ends by itself
   * after the lifetime. `fresh`: it has just started and has no connections yet.
   */
  shut(container: Process, options: { lifetimeMs: number; fresh: boolean }): Promise<void>;
  open(container: Process): Promise<void>;
  /**
   * Redirects new TCP connections to a container's addresses to another container in the same networks, from any source; the
   * client keeps its address, open connections stay, and redirected ones outlive the first container. Ends by itself after the
   * lifetime. Raises `step-failed` if that is impossible, and RuleError if nft fails.
   */
  redirectAddress(
    from: RedirectStart,
    to: RedirectEnd,
    bridges: readonly Bridge[],
    ms: number,
    how?: RedirectHow,
  ): Promise<void>;
  /**
   * The active address redirects from or to one of these containers (ids): prefixes of both ids, and the number of redirected
   * connections. Other rolls may have redirects, too.
   */
  addressRedirects(ids: readonly string[]): Promise<SeenAddressRedirect[]>;
  /** The clients that connected to a container's (an id) addresses while these were redirected. */
  redirected(from: string): Promise<RedirectedClient[]>;
  /**
   * Stops redirecting new connections of a container (an id). Resolves with the number of redirected connections still open:
   * their rules stay until sweepForwards finds them closed.
   */
  endAddressRedirect(from: string, find: FindProcess): Promise<number>;
  /** The same, but leaves all rules to sweepForwards, even those of connections that are about to end. */
  haltAddressRedirect(from: string): Promise<void>;
  /** Drops SYNs to unknown addresses around a container while it (an id) starts; an address redirect from it ends that, too. */
  hold(
    id: string,
    around: RedirectStart,
    bridges: readonly Bridge[],
    known: readonly string[],
    ms: number,
  ): Promise<void>;
  endHold(id: string): Promise<void>;
  /** Removes address redirects whose first container is gone and whose connections are closed; resolves with their number. */
  sweepAddressRedirects(find: FindProcess): Promise<number>;
  /**
   * Removes the port redirects of all slots but those in use. Calls `inUse` only after it has listed the rules, so that it spares
   * a roll that begins in between. Resolves with the number removed.
   */
  clearOrphans(inUse: () => Promise<readonly string[]>): Promise<number>;
}
