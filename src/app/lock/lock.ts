import type { Container } from '../../core/model/container.ts';
import type { StateLabels } from '../../core/service/labels.ts';
import { heartbeatsOf, isPlausible } from '../../core/service/lock.ts';
import { lockName } from '../../core/service/names.ts';
import { notOurs } from '../../core/service/ownership.ts';
import type { Ports } from '../../ports/ports.ts';
import { putTagBack } from '../image/moved-tag.ts';
import { removeOwn, stateOfMade } from '../rollout/steps/remove.ts';
import { cannotUpdate } from '../select/engine-capabilities.ts';
import { engineNow } from '../select/engine-time.ts';

/** A lock that swapctl made, and the data of its labels. */
export interface Lock {
  readonly container: Container;
  readonly state: StateLabels;
}

// A holder on another machine that was silent for so long is dead; one that is known to live is only suspended, or is no swapctl
// at all.
const SILENCE_MS = 7000;
const LIVING_SILENCE_MS = 30_000;
const LOOK_EVERY_MS = 500;

// Identifiers of the locks that this process holds or is about to take. The process lives, so a lock of its own that is not among
// these (it could not be removed, or its creation was never confirmed) is not held.
const OWN = new Set<string>();

/** Notes that this process takes the lock. */
export function claim(mark: string): void {
  OWN.add(mark);
}

/** Notes that this process no longer holds the lock. */
export function disclaim(mark: string): void {
  OWN.delete(mark);
}

/** The lock of a service. Raises `attention` if a container of another origin has its name. */
export async function lockOf(ports: Ports, service: string): Promise<Lock | undefined> {
  const container = await ports.engine.container(lockName(service, ports.host.sha256));
  if (!container) return undefined;
  const state = await stateOfMade(ports, container);
  return state?.role === 'lock' ? { container, state } : notOurs(container.name);
}

/** True: a live process holds the lock of a service; an unknown one on another machine counts as live. */
export async function lockHeld(ports: Ports, service: string): Promise<boolean> {
  return (await holdsIt(ports, service)) !== false;
}

/** True: a process that is known to live holds the lock of a service. */
export async function lockLives(ports: Ports, service: string): Promise<boolean> {
  return (await holdsIt(ports, service)) === true;
}

/** Removes the lock of a service if its holder is dead; resolves with true if it was. Waits if it has to watch the lock. */
export async function dropDeadLock(ports: Ports, service: string): Promise<boolean> {
  const lock = await lockOf(ports, service);
  if (!lock || (await holdingOf(ports, lock)) !== 'dead') return false;
  await takeDown(ports, lock);
  return true;
}

/**
 * Removes the lock of a dead holder, unless another process was faster. The lock goes last: as long as it exists, it records the
 * remaining work.
 */
export async function takeDown(ports: Ports, { container, state }: Lock): Promise<void> {
  if (!(await ports.engine.container(container.id))) return;
  await putTagBack(ports, state);
  await removeOwn(ports, container.id, 'lock');
}

/** A lock's holder is alive, or dead, or has released the lock during the watch, with its work done. */
export type Holding = 'held' | 'dead' | 'released';

/** Finds out if the holder of a lock lives and sends heartbeats. Waits if it has to watch the lock. */
export async function holdingOf(ports: Ports, lock: Lock): Promise<Holding> {
  const lives = holds(ports, lock);
  if (lives === false || lock.state.holder === ports.host.holder) return lives ? 'held' : 'dead';
  // Without heartbeats a live holder looks like a dead one, and a lock that a user has to remove does less harm than a stolen
  // one.
  if (cannotUpdate(await ports.engine.facts())) return 'held';
  if (lives && (await hasHeartbeat(ports, lock))) return 'held';
  return watched(ports, lock, lives ? LIVING_SILENCE_MS : SILENCE_MS);
}

// A container that only has the name is no lock, whatever its labels say.
async function holdsIt(ports: Ports, service: string): Promise<boolean | undefined> {
  const container = await ports.engine.container(lockName(service, ports.host.sha256));
  const state = container && (await stateOfMade(ports, container));
  return container && state?.role === 'lock' ? holds(ports, { container, state }) : false;
}

// Undefined if this machine can't know.
function holds({ host }: Ports, { state }: Lock): boolean | undefined {
  const { holder = '', roll } = state;
  return holder === host.holder ? OWN.has(roll) : host.isAlive(holder);
}

async function hasHeartbeat(ports: Ports, { container }: Lock): Promise<boolean> {
  return isPlausible((await engineNow(ports)) - container.createdAt, heartbeatsOf(container));
}

async function watched({ engine, clock }: Ports, { container }: Lock, silenceMs: number): Promise<Holding> {
  for (let waited = 0; waited < silenceMs; waited += LOOK_EVERY_MS) {
    await clock.sleep(LOOK_EVERY_MS);
    const later = await engine.container(container.id);
    if (!later) return 'released';
    if (heartbeatsOf(later) !== heartbeatsOf(container)) return 'held';
  }
  return 'dead';
}
