import type { Container } from '../../core/model/container.ts';
import { beatOf, isPlausible } from '../../core/rollout/lock.ts';
import type { StateLabels } from '../../core/service/labels.ts';
import { lockName } from '../../core/service/names.ts';
import { notOurs } from '../../core/service/ownership.ts';
import type { Ports } from '../../ports/ports.ts';
import { putTagBack } from '../image/moved-tag.ts';
import { removeOwn, stateOfMade } from '../rollout/steps/remove.ts';
import { cannotUpdate } from '../select/abilities.ts';

/** A lock that swapctl made, and what it says. */
export interface Lock {
  readonly container: Container;
  readonly state: StateLabels;
}

// A holder elsewhere that was silent for so long is dead; one that is known to live is only suspended, or no swapctl at all.
const SILENCE_MS = 7000;
const LIVING_SILENCE_MS = 30_000;
const LOOK_EVERY_MS = 500;

// Marks of the locks that this very process holds or is about to take: it lives, and yet one that it could not take away, or
// does not know to have got, is held by nobody.
const OWN = new Set<string>();

/** Notes that this process takes the lock of that mark. */
export function claim(mark: string): void {
  OWN.add(mark);
}

/** Notes that this process holds the lock of that mark no more. */
export function disclaim(mark: string): void {
  OWN.delete(mark);
}

/** The lock of a service. Raises `attention` where somebody else gave its name to a container. */
export async function lockOf(ports: Ports, service: string): Promise<Lock | undefined> {
  const container = await ports.engine.container(lockName(service, ports.host.sha256));
  if (!container) return undefined;
  const state = await stateOfMade(ports, container);
  return state?.role === 'lock' ? { container, state } : notOurs(container.name);
}

/** Whether a living process holds the lock of a service; one on another machine gets the benefit of the doubt. */
export async function lockHeld(ports: Ports, service: string): Promise<boolean> {
  return (await holdsIt(ports, service)) !== false;
}

/** Whether a process that is known to live holds the lock of a service. */
export async function lockLives(ports: Ports, service: string): Promise<boolean> {
  return (await holdsIt(ports, service)) === true;
}

/** Takes away the lock of a service if its holder is dead; resolves with whether it was. Waits if that takes watching. */
export async function dropDeadLock(ports: Ports, service: string): Promise<boolean> {
  const lock = await lockOf(ports, service);
  if (!lock || (await holdingOf(ports, lock)) !== 'dead') return false;
  await takeDown(ports, lock);
  return true;
}

/** Removes the lock of a dead holder, unless another process was faster. In this order: while the lock exists, it says what is left to do. */
export async function takeDown(ports: Ports, { container, state }: Lock): Promise<void> {
  if (!(await ports.engine.container(container.id))) return;
  await putTagBack(ports, state);
  await removeOwn(ports, container.id, 'lock');
}

/** A lock's holder is alive, or dead, or has released the lock while it was watched: its work is done, and nothing is left to undo. */
export type Holding = 'held' | 'dead' | 'released';

/** Whether the holder of a lock lives and beats. Waits if that takes watching. */
export async function holdingOf(ports: Ports, lock: Lock): Promise<Holding> {
  const lives = holds(ports, lock);
  if (lives === false || lock.state.holder === ports.host.holder) return lives ? 'held' : 'dead';
  // Where nobody can beat, who lives can't be told from who is dead, and harm is worse than a lock that a person takes away.
  if (cannotUpdate(await ports.engine.facts())) return 'held';
  if (lives && (await beatsAsItShould(ports, lock))) return 'held';
  return watched(ports, lock, lives ? LIVING_SILENCE_MS : SILENCE_MS);
}

// What only bears the name is no lock, whatever it says.
async function holdsIt(ports: Ports, service: string): Promise<boolean | undefined> {
  const container = await ports.engine.container(lockName(service, ports.host.sha256));
  const state = container && (await stateOfMade(ports, container));
  return container && state?.role === 'lock' ? holds(ports, { container, state }) : false;
}

// Undefined where it can't be told from here.
function holds({ host }: Ports, { state }: Lock): boolean | undefined {
  const { holder = '', roll } = state;
  return holder === host.holder ? OWN.has(roll) : host.isAlive(holder);
}

async function beatsAsItShould({ engine, clock }: Ports, { container }: Lock): Promise<boolean> {
  const now = clock.now() + (await engine.facts()).clockOffsetMs;
  return isPlausible(now - container.createdAt, beatOf(container));
}

async function watched({ engine, clock }: Ports, { container }: Lock, silenceMs: number): Promise<Holding> {
  for (let waited = 0; waited < silenceMs; waited += LOOK_EVERY_MS) {
    await clock.sleep(LOOK_EVERY_MS);
    const later = await engine.container(container.id);
    if (!later) return 'released';
    if (beatOf(later) !== beatOf(container)) return 'held';
  }
  return 'dead';
}
