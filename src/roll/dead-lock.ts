import type { Ports } from '../ports.ts';
import { lenient } from './lenient.ts';
import { dropDeadLock } from './lock.ts';
import { restartMissed } from './restart-dependents.ts';
import { retireUnlessHalfDone } from './retain.ts';

/**
 * Removes the lock of a dead holder and does what its roll no longer came to after its last step; resolves with whether there was
 * one.
 */
export async function endDeadLock(ports: Ports, service: string): Promise<boolean> {
  if (!(await dropDeadLock(ports, service))) return false;
  await retireUnlessHalfDone(lenient(ports), service);
  await restartMissed(ports, service);
  return true;
}
