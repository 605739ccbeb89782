import type { Container, CreateRequest } from '../core/container.ts';
import { isAway, isConflict, isDiskFull, isPassing } from '../core/engine-error.ts';
import { fail, messageOf, SwapError } from '../core/error.ts';
import { decodeState, encodeState } from '../core/labels.ts';
import { lockName } from '../core/names.ts';
import { inertRequest } from '../core/recreate/request.ts';
import type { Ports } from '../ports.ts';
import { cannotUpdate } from './abilities.ts';
import { diskFull } from './disk.ts';
import { putTagBack, type TagNote } from './moved-tag.ts';

/** The right to change a service. `lost` aborts when somebody else has taken it, or could have. */
export interface Lease {
  readonly lost: AbortSignal;
  /**
   * To be asked before each change: after a time in which the engine took no beat, but may have from somebody else, makes sure
   * that the lock is still held. Raises `attention` where it is not.
   */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

const BEAT_MS = 2000;
// A holder on another machine that was silent for so long is dead.
const SILENCE_MS = 7000;
const TRIES = 5;
const RELEASE_TRIES = 3;
const RETRY_AFTER_MS = 300;

// Marks of the locks that this very process holds or is about to take: it lives, and yet one that it could not take away, or
// does not know to have got, is held by nobody.
const HELD = new Set<string>();

/**
 * Takes the lock of a service: an inert container whose fixed name only one can create, on whatever machine. The holder
 * beats by changing the one number of an inert container that can be changed (its restart count), so that others can
 * tell a dead holder from a living one without a common clock. Raises `busy` if somebody else holds it. It is made from
 * the first of the images that is (still) there. `tag` is what a dead roll's tag can be put back by.
 */
export async function takeLease(
  ports: Ports,
  service: string,
  images: readonly string[],
  tag: TagNote = {},
): Promise<Lease> {
  const name = lockName(service);
  const image = await firstThere(ports, images);
  const mark = ports.host.randomId();
  const labels = encodeState({
    role: 'lock',
    service,
    slot: service,
    roll: mark,
    holder: ports.host.holder,
    at: new Date(ports.clock.now()).toISOString(),
    ...tag,
  });
  HELD.add(mark);
  try {
    const id = await created(ports, service, inertRequest(name, image, labels));
    return held(ports, service, { mark, id, beats: !cannotUpdate(await ports.engine.facts()) });
  } catch (error) {
    HELD.delete(mark);
    throw error;
  }
}

async function created(ports: Ports, service: string, request: CreateRequest): Promise<string> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      return await ports.engine.create(request);
    } catch (error) {
      const lock = await ports.engine.container(request.name);
      // The engine made it, and the answer was lost on its way.
      if (lock && markOf(lock) === markIn(request.config.Labels)) return lock.id;
      if (isDiskFull(error)) throw await diskFull(ports, `${service}: nothing was begun, not even its lock`, error);
      if (!isConflict(error)) throw error;
      if (lock) await breakDeadLock(ports, service, lock);
    }
  }
  return busy(service, 'others take and leave its lock all the time');
}

/** The first of some images that the engine has; what runs may be created from one that is gone. */
export async function firstThere(ports: Ports, images: readonly string[]): Promise<string> {
  for (const image of images) if (await ports.engine.image(image)) return image;
  return images[0] ?? '';
}

/** Whether a living process holds the lock of a service; one on another machine gets the benefit of the doubt. */
export async function lockHeld(ports: Ports, service: string): Promise<boolean> {
  const lock = await ports.engine.container(lockName(service));
  return lock !== undefined && holds(ports, lock) !== false;
}

/** Whether a process that is known to live holds the lock of a service. */
export async function lockLives(ports: Ports, service: string): Promise<boolean> {
  const lock = await ports.engine.container(lockName(service));
  return lock !== undefined && holds(ports, lock) === true;
}

/** Takes away the lock of a service if its holder is dead; resolves with whether it was. Waits if that takes watching. */
export async function dropDeadLock(ports: Ports, service: string): Promise<boolean> {
  const lock = await ports.engine.container(lockName(service));
  if (!lock || (await isHeld(ports, lock))) return false;
  await takeDown(ports, lock);
  return true;
}

function holderOf(lock: Container): string {
  return decodeState(lock.config.Labels ?? {})?.holder ?? '';
}

function markOf(lock: Container): string {
  return markIn(lock.config.Labels);
}

function markIn(labels: Readonly<Record<string, string>> | null | undefined): string {
  return decodeState(labels ?? {})?.roll ?? '';
}

// Undefined where it can't be told from here.
function holds(ports: Ports, lock: Container): boolean | undefined {
  const holder = holderOf(lock);
  return holder === ports.host.holder ? HELD.has(markOf(lock)) : ports.host.isAlive(holder);
}

async function breakDeadLock(ports: Ports, service: string, lock: Container): Promise<void> {
  const holder = holderOf(lock);
  if (await isHeld(ports, lock))
    busy(service, `since ${new Date(lock.createdAt).toISOString()}, by ${holder || 'an unknown process'}`);
  ports.report({
    kind: 'note',
    text: `${service}: the process that rolled it before (${holder}) is dead; taking over`,
  });
  await takeDown(ports, lock);
}

// In this order: while the lock is there, it says what is left to do.
async function takeDown(ports: Ports, lock: Container): Promise<void> {
  await putTagBack(ports, lock);
  await ports.engine.remove(lock.id, { discard: true });
}

async function isHeld(ports: Ports, lock: Container): Promise<boolean> {
  return holds(ports, lock) ?? (await beats(ports, lock));
}

async function beats(ports: Ports, lock: Container): Promise<boolean> {
  // Where nobody can beat, who lives can't be told from who is dead, and harm is worse than a lock that a person takes away.
  if (cannotUpdate(await ports.engine.facts())) return true;
  await ports.clock.sleep(SILENCE_MS);
  const later = await ports.engine.container(lock.id);
  return later !== undefined && beatOf(later) !== beatOf(lock);
}

function beatOf(lock: Container): number {
  return lock.host.RestartPolicy?.MaximumRetryCount ?? 0;
}

function held(ports: Ports, service: string, own: { mark: string; id: string; beats: boolean }): Lease {
  const { mark, id } = own;
  const ended = new AbortController();
  const lost = new AbortController();
  const pulse: Pulse = { count: 0, unsure: false };
  const loss = (cause: unknown): SwapError =>
    new SwapError('attention', `the lock of ${service} was lost`, { hint: 'run swapctl recover', cause });
  if (own.beats) void beat(ports, id, pulse, ended.signal).catch((cause) => lost.abort(loss(cause)));
  return {
    lost: lost.signal,
    confirm: async () => {
      if (!pulse.unsure) return;
      await once(ports, id, pulse).catch(async (cause) => {
        if (isAway(cause)) throw cause;
        if (!isDiskFull(cause) || !(await ports.engine.container(id))) throw loss(cause);
      });
    },
    release: async () => {
      ended.abort();
      await takeAway(ports, service, id);
      HELD.delete(mark);
    },
  };
}

// A lock that can't be taken away is one of a dead holder soon: the next roll takes it over.
async function takeAway(ports: Ports, service: string, id: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await ports.engine.remove(id, { discard: true });
    } catch (error) {
      ports.report({ kind: 'debug', text: `lock of ${service}: ${messageOf(error)}` });
      if (!isPassing(error) || tries === RELEASE_TRIES) return;
      await ports.clock.sleep(RETRY_AFTER_MS * tries);
    }
  }
}

/** The beats of a lock; `unsure`: the engine did not take the last. */
interface Pulse {
  count: number;
  unsure: boolean;
}

async function beat(ports: Ports, id: string, pulse: Pulse, ended: AbortSignal): Promise<void> {
  let lastGood = ports.clock.now();
  while (!ended.aborted) {
    await ports.clock.sleep(BEAT_MS, ended);
    if (ended.aborted) return;
    try {
      await once(ports, id, pulse);
      lastGood = ports.clock.now();
    } catch (error) {
      // A restart of the engine takes nobody's lock, and on a full disk nobody makes one. Whether it was out of reach from
      // here alone, confirm() finds out.
      if (isAway(error) || isDiskFull(error)) {
        pulse.unsure = true;
        continue;
      }
      const gone = (await ports.engine.container(id).catch(() => 'unknown')) === undefined;
      if (gone || ports.clock.now() - lastGood > SILENCE_MS - BEAT_MS) throw error;
    }
  }
}

async function once({ engine }: Ports, id: string, pulse: Pulse): Promise<void> {
  pulse.count += 1;
  const tell = (): Promise<void> => engine.setRestart(id, { Name: 'on-failure', MaximumRetryCount: pulse.count });
  // A process that stood still for a while (a suspended machine) finds that its connections were closed meanwhile.
  await tell().catch(tell);
  pulse.unsure = false;
}

function busy(service: string, detail: string): never {
  return fail('busy', `another roll of ${service} is under way (${detail})`, {
    hint: 'wait until it is done, or stop that process',
  });
}
