import type { Listener } from '../core/health/answered-ports.ts';
import type { Closed, Diagnosis } from '../core/traffic/connections.ts';
import type { Process } from '../core/traffic/routes.ts';
import type { ProbeAddress, ProbeAnswer } from './probe.ts';

/** Traffic as the host observes it. */
export interface Traffic {
  /** The number of established connections on a container's listening ports; undefined if out of reach (remote engine, no rights). */
  connections(container: Process): Promise<number | undefined>;
  /** The same connections one by one, with the amount and time of their traffic. */
  diagnose(container: Process): Promise<Diagnosis>;
  /** Prepares to close connections of a container. */
  closer(container: Process): Promise<Closer>;
  /** True if a container uses the network of this process; undefined if that is unknown here. */
  sharesNetwork(container: Process): Promise<boolean | undefined>;
  /** The TCP ports on which a container listens; undefined if they are out of reach. */
  listening(container: Process): Promise<readonly Listener[] | undefined>;
  /** True: an HTTP GET is answered with a status below 400, or a TCP connection is accepted. */
  reachable(address: ProbeAddress, timeoutMs: number): Promise<ProbeAnswer>;
}

/** Closes connections of one container at once. */
export interface Closer {
  /** Closes connections by their ends, as a diagnosis names them: both sides get a reset. */
  close(ends: readonly string[]): Promise<Closed>;
  end(): void;
}
