import type { Bridge } from '../core/model/engine.ts';
import type { KernelLayer } from '../core/traffic/kernel-layer.ts';
import type {
  Cover,
  CoverRequest,
  FindProcess,
  ForwardEnd,
  ForwardStart,
  LedClient,
  Process,
} from '../core/traffic/routes.ts';

/** What the kernel does with new connections to published ports; `slot` is the real name of the slot's container. */
export interface Kernel {
  /**
   * Which traffic of this engine's containers can be moved from here, as a trial of the real rules tells; `example` is one that
   * runs, where there is any.
   */
  layer(bridges: readonly Bridge[], example: Process | undefined): Promise<KernelLayer>;
  cover(slot: string): Promise<Cover>;
  /** Leads new connections to the slot's ports to the stand-in; without a lifetime until they are led back. */
  setCover(slot: string, request: CoverRequest): Promise<void>;
  /**
   * Leads new connections no more, and leaves those that are open as they are. `leaving`: addresses of a stand-in that is about to
   * stop, as in a request.
   */
  endCover(slot: string, leaving?: readonly string[]): Promise<void>;
  clearCover(slot: string): Promise<void>;
  /**
   * Rejects new connections to a container from its networks (not from its own loopback). Open ones go on. Ends by itself after
   * the lifetime. `fresh`: it has just started and has no connections yet.
   */
  shut(container: Process, options: { lifetimeMs: number; fresh: boolean }): Promise<void>;
  open(container: Process): Promise<void>;
  /**
   * Leads new TCP connections to a container's addresses to another in the same networks, from wherever they come; the client
   * keeps its address, open connections stay where they are, and those that were led outlive the first container. Ends by itself after
   * the lifetime; `again` goes on with it. Raises `step-failed` where it can't; like all that sets or reads rules, RuleError where nft fails.
   */
  forward(from: ForwardStart, to: ForwardEnd, bridges: readonly Bridge[], ms: number, again?: boolean): Promise<void>;
  /**
   * The forwards from or to one of these containers (ids) that lead new connections now: the beginnings of the two ids, and how
   * many connections were led. Other rolls may have any number of them.
   */
  forwarding(
    ids: readonly string[],
  ): Promise<{ readonly from: string; readonly to: string; readonly connections: number }[]>;
  /** Who has connected to a container's (an id) addresses, as long as new connections to them are redirected. */
  led(from: string): Promise<LedClient[]>;
  /**
   * Leads no new connection of a container (an id) any more. Resolves with how many of those that were led are still open: what leads these stays
   * until sweepForwards finds them closed.
   */
  endForward(from: string, find: FindProcess): Promise<number>;
  /** The same, and leaves the rules to sweepForwards, also for connections that are about to end. */
  haltForward(from: string): Promise<void>;
  /** Drops SYNs to other than the known addresses around a container, while one (an id) starts; a forward from that ends it, too. */
  hold(
    id: string,
    around: ForwardStart,
    bridges: readonly Bridge[],
    known: readonly string[],
    ms: number,
  ): Promise<void>;
  endHold(id: string): Promise<void>;
  /** Takes away forwards whose first container is gone and whose connections are closed; resolves with how many. */
  sweepForwards(find: FindProcess): Promise<number>;
  /**
   * Takes away what covers slots other than those in use, who are asked for only after it was looked what there is: a roll
   * that begins in between is none of theirs. Resolves with how many there were.
   */
  clearOrphans(inUse: () => Promise<readonly string[]>): Promise<number>;
}
