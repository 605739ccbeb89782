import type { Principal } from '../../../core/access/principal.ts';
import { fail } from '../../../core/model/error.ts';
import type { Credentials } from '../access/authenticate.ts';
import type { ServerWorld } from '../world.ts';
import { LimitError } from './limit.ts';

/** The caller behind credentials. Raises `unauthenticated` and `too-many-requests`; the audit log notes the refusal. */
export async function login(
  { gate, audit, metrics, now }: ServerWorld,
  credentials: Omit<Credentials, 'now'>,
): Promise<Principal> {
  const at = now();
  const { principal, refusal } = await gate.authenticate({ ...credentials, now: at });
  if (principal) return principal;
  const { status, reason, message, address, retryAfterS, log } = refusal;
  const entry = { time: new Date(at).toISOString(), who: '-', by: 'none' as const, from: address };
  metrics.add('swapctl_auth_failures_total', { reason });
  if (log) void audit.write({ ...entry, what: 'login', outcome: 'denied', code: reason });
  if (status === 429) throw new LimitError(message, undefined, retryAfterS);
  return fail('unauthenticated', message);
}
