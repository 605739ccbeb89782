import type { CreateRequest } from '../../core/model/container.ts';
import { isAway, isConflict, isDiskFull, isPassing } from '../../core/model/engine-error.ts';
import { fail, messageOf, SwapError } from '../../core/model/error.ts';
import { inertRequest } from '../../core/recreate/request.ts';
import { encodeState } from '../../core/service/labels.ts';
import { HEARTBEAT_MS, type Instant, isOverdue } from '../../core/service/lock.ts';
import { lockName } from '../../core/service/names.ts';
import type { Ports } from '../../ports/ports.ts';
import { diskFull } from '../image/disk.ts';
import type { TagNote } from '../image/moved-tag.ts';
import { removeOwn } from '../rollout/steps/remove.ts';
import { cannotUpdate } from '../select/engine-capabilities.ts';
import { claim, disclaim, holdingOf, type Lock, lockOf, takeDown } from './lock.ts';

/** The right to change a service. `lost` aborts when another process has taken the lock, or could have. */
export interface HeldLock {
  readonly lost: AbortSignal;
  /**
   * Called before each change: if the last heartbeat is overdue (this process was suspended, or the engine refused it), confirms
   * that the lock is still held. Raises `attention` if it is not.
   */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

// After this time without a heartbeat, others may take the lock.
const LONGEST_MS = 5000;
// A name stays taken while the engine removes its container, on a busy machine for seconds; an inspect no longer finds it then.
const TIMEOUT_MS = 15_000;
const TRY_EVERY_MS = 100;
const RELEASE_TRIES = 3;
const RETRY_AFTER_MS = 300;
const MOST_INCUMBENTS = 100;

/** The note of a lock for the process that finds it after its holder's death. */
export interface LockNote extends TagNote {
  /** Ids of the containers that the holder may rename. */
  readonly incumbents?: readonly string[];
  /** The id of the roll that takes the lock; it identifies the lock. */
  readonly roll?: string;
  /** The group of hosts whose roll takes the lock. */
  readonly group?: string;
}

/**
 * Takes the lock of a service: an inert container whose fixed name only one process on any machine can create. The heartbeat
 * changes the only mutable number of an inert container (its restart count), so others can recognize a dead holder without a
 * common clock. Raises `busy` if another process holds it. The first image that (still) exists serves for its creation. `note`
 * lets others undo a dead roll; the incumbents of a lock that is taken over are carried on.
 */
export async function takeLock(
  ports: Ports,
  service: string,
  images: readonly string[],
  note: LockNote = {},
): Promise<HeldLock> {
  const mark = note.roll ?? ports.host.randomId();
  claim(mark);
  try {
    const image = await firstThere(ports, images);
    const request = (incumbents: readonly string[]): CreateRequest =>
      lockRequest(ports, service, { ...note, incumbents }, { image, mark });
    const id = await created(ports, service, mark, note.incumbents ?? [], request);
    return held(ports, service, { mark, id, heartbeats: !cannotUpdate(await ports.engine.facts()) });
  } catch (error) {
    disclaim(mark);
    throw error;
  }
}

function lockRequest(
  { host, clock }: Ports,
  service: string,
  note: LockNote,
  { image, mark }: { readonly image: string; readonly mark: string },
): CreateRequest {
  const labels = encodeState({
    role: 'lock',
    service,
    slot: service,
    roll: mark,
    holder: host.holder,
    at: new Date(clock.now()).toISOString(),
    base: image,
    ...note,
  });
  return inertRequest(lockName(service, host.sha256), image, labels);
}

async function created(
  ports: Ports,
  service: string,
  mark: string,
  given: readonly string[],
  request: (incumbents: readonly string[]) => CreateRequest,
): Promise<string> {
  let incumbents = given;
  for (const until = ports.clock.monotonic() + TIMEOUT_MS; ; ) {
    try {
      return await ports.engine.create(request(incumbents));
    } catch (error) {
      if (isDiskFull(error)) throw await diskFull(ports, `${service}: nothing was begun, not even its lock`, error);
      const lock = await lockOf(ports, service);
      // The engine made it, but the answer was lost.
      if (lock?.state.roll === mark) return lock.container.id;
      if (!isConflict(error)) throw error;
      if (ports.clock.monotonic() > until) return stillTaken(ports, service);
      if (lock && (await breakDeadLock(ports, service, lock)))
        incumbents = [...new Set([...given, ...(lock.state.incumbents ?? [])])].slice(0, MOST_INCUMBENTS);
      else await ports.clock.sleep(TRY_EVERY_MS);
    }
  }
}

function stillTaken({ host }: Ports, service: string): never {
  const name = lockName(service, host.sha256);
  const seconds = TIMEOUT_MS / 1000;
  return busy(service, `the name ${name} has been in use for ${seconds} s`);
}

/** Id of the first of some images that the engine has; a running container's image may be gone. */
export async function firstThere(ports: Ports, images: readonly string[]): Promise<string> {
  for (const image of images) {
    const found = await ports.engine.image(image);
    if (found) return found.id;
  }
  return images[0] ?? '';
}

// True: there was a dead lock, which was removed; raises `busy` if its holder lives.
async function breakDeadLock(ports: Ports, service: string, lock: Lock): Promise<boolean> {
  const { holder = 'an unknown process' } = lock.state;
  const holding = await holdingOf(ports, lock);
  if (holding === 'held') busy(service, `since ${new Date(lock.container.createdAt).toISOString()}, by ${holder}`);
  if (holding === 'released') return false;
  ports.report({
    kind: 'note',
    text: `${service}: the process that rolled it before (${holder}) is dead; taking over`,
  });
  await takeDown(ports, lock);
  return true;
}

function held(ports: Ports, service: string, own: { mark: string; id: string; heartbeats: boolean }): HeldLock {
  const { mark, id } = own;
  const ended = new AbortController();
  const lost = new AbortController();
  const pulse: Pulse = { count: 0, unsure: false, at: nowOf(ports) };
  const loss = (cause: unknown): SwapError =>
    new SwapError('attention', `the lock of ${service} was lost`, { hint: 'run swapctl recover', cause });
  if (own.heartbeats) void sendHeartbeat(ports, id, pulse, ended.signal).catch((cause) => lost.abort(loss(cause)));
  return {
    lost: lost.signal,
    confirm: async () => {
      if (lost.signal.aborted) throw lost.signal.reason;
      if (!own.heartbeats || (!pulse.unsure && !isOverdue(pulse.at, nowOf(ports)))) return;
      await once(ports, id, pulse).catch(async (cause) => {
        if (isAway(cause) || (isDiskFull(cause) && (await ports.engine.container(id)))) return throwAway(cause);
        lost.abort(loss(cause));
        throw lost.signal.reason;
      });
    },
    release: async () => {
      ended.abort();
      await removeLock(ports, service, id);
      disclaim(mark);
    },
  };
}

// A lock that can't be removed soon looks like a dead holder's: the next roll takes it over.
async function removeLock(ports: Ports, service: string, id: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await removeOwn(ports, id, 'lock');
    } catch (error) {
      ports.report({ kind: 'debug', text: `lock of ${service}: ${messageOf(error)}` });
      if (!isPassing(error) || tries === RELEASE_TRIES) return;
      await ports.clock.sleep(RETRY_AFTER_MS * tries);
    }
  }
}

/** The heartbeats of a lock; `unsure`: the engine did not accept the last one; `at`: the start of the last accepted one. */
interface Pulse {
  count: number;
  unsure: boolean;
  at: Instant;
}

function nowOf({ clock }: Ports): Instant {
  return { monotonic: clock.monotonic(), wall: clock.now() };
}

// On a full disk no other process can take the lock; while the engine is away, nothing is known yet.
function throwAway(cause: unknown): void {
  if (isAway(cause)) throw cause;
}

async function sendHeartbeat(ports: Ports, id: string, pulse: Pulse, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await ports.clock.sleep(HEARTBEAT_MS, ended);
    if (ended.aborted) return;
    try {
      await once(ports, id, pulse);
    } catch (error) {
      // Neither a restart of the engine nor a full disk lets another process take the lock. If the engine was out of reach only
      // from here, confirm() finds out.
      if (isAway(error) || isDiskFull(error)) {
        pulse.unsure = true;
        continue;
      }
      const gone = (await ports.engine.container(id).catch(() => 'unknown')) === undefined;
      if (gone || ports.clock.monotonic() - pulse.at.monotonic > LONGEST_MS) throw error;
    }
  }
}

async function once(ports: Ports, id: string, pulse: Pulse): Promise<void> {
  pulse.count += 1;
  let began = nowOf(ports);
  const tell = (): Promise<void> => {
    began = nowOf(ports);
    return ports.engine.setRestart(id, { Name: 'on-failure', MaximumRetryCount: pulse.count });
  };
  // A process that stood still for a while (a suspended machine) finds its connections closed.
  await tell().catch(tell);
  pulse.at = began;
  pulse.unsure = false;
}

function busy(service: string, detail: string): never {
  return fail('busy', `another roll of ${service} is under way (${detail})`, {
    hint: 'wait until it is done, or stop that process',
  });
}
