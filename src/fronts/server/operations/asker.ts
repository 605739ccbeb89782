import type { Principal } from '../../../core/access/principal.ts';
import type { ReplicaStatus } from '../../../core/report/status.ts';
import type { ServerWorld } from '../world.ts';
import type { EventHub } from './event-hub.ts';
import type { IdempotencyKeys } from './idempotency.ts';

/** The parts that all requests to a server share, in any protocol. */
export interface Site {
  readonly world: ServerWorld;
  readonly keys: IdempotencyKeys;
  readonly hub: EventHub;
  /** The state of all services. */
  readonly statuses: () => Promise<readonly ReplicaStatus[]>;
}

/** A caller that has passed the gatekeeper. */
export interface Asker {
  readonly site: Site;
  readonly caller: Principal;
}
