import type { Listener } from '../core/health/answered-ports.ts';
import type { Closed, Diagnosis } from '../core/traffic/connections.ts';
import type { Process } from '../core/traffic/routes.ts';
import type { ProbeAddress, ProbeAnswer } from './probe.ts';

/** Traffic as the host sees it. */
export interface Traffic {
  /** Established connections on a container's listening ports; undefined where that is out of reach (remote engine, no rights). */
  connections(container: Process): Promise<number | undefined>;
  /** The same connections one by one, with what has moved in them and when. */
  diagnose(container: Process): Promise<Diagnosis>;
  /** Makes ready to close connections of a container. */
  closer(container: Process): Promise<Closer>;
  /** Whether a container uses the network that this process itself is in; undefined if that can't be told from here. */
  sharesNetwork(container: Process): Promise<boolean | undefined>;
  /** What a container listens on by TCP; undefined where that is out of reach. */
  listening(container: Process): Promise<readonly Listener[] | undefined>;
  /** Whether an HTTP GET is answered with a status below 400, or a TCP connection is accepted. */
  reachable(address: ProbeAddress, timeoutMs: number): Promise<ProbeAnswer>;
}

/** Closes connections of one container at once. */
export interface Closer {
  /** Closes connections by their ends, as a diagnosis names them: both sides see a reset. */
  close(ends: readonly string[]): Promise<Closed>;
  end(): void;
}
