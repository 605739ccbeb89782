import type { Ports } from '../../ports/ports.ts';
import { restartMissed } from '../compose/restart-dependents.ts';
import { retireUnlessHalfDone } from '../image/retain.ts';
import { lenient } from '../select/lenient.ts';
import { dropDeadLock } from './lock.ts';

/**
 * Removes the lock of a dead holder, and does the work of its roll that remains after the last step; resolves with true if there
 * was one.
 */
export async function endDeadLock(ports: Ports, service: string): Promise<boolean> {
  if (!(await dropDeadLock(ports, service))) return false;
  await retireUnlessHalfDone(lenient(ports), service);
  await restartMissed(ports, service);
  return true;
}
