import { isConflict, isFault, isNotFound } from '../../core/model/engine-error.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import { HEARTBEAT_MS } from '../../core/service/lock.ts';
import {
  HOLDER_LABEL,
  heartbeatLabels,
  holderOf,
  type LockNote,
  lockConfig,
  type SwarmLock,
} from '../../core/swarm/memory.ts';
import type { SwarmService } from '../../core/swarm/model.ts';
import type { Ports } from '../../ports/ports.ts';
import { memoryFor } from './memory.ts';

/** A service lock that this process holds. */
export interface HeldSwarmLock {
  readonly lock: SwarmLock;
  /** Raises `attention` if another process has the lock by now. Called right before each change. */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

type Place = Pick<Ports, 'swarm' | 'clock' | 'host' | 'report'>;
type Subject = Pick<SwarmService, 'id' | 'name' | 'labels'>;

// A holder on another machine without a heartbeat for this time is dead.
const SILENCE_MS = 7000;
const LOOK_EVERY_MS = 500;

// The rolls whose locks this process holds.
const OWN = new Set<string>();

/** Takes the lock of a service: a manager lets only one client create a name. Raises `busy` if another process holds it. */
export async function takeLock(ports: Place, service: Subject, note: LockNote): Promise<HeldSwarmLock> {
  const config = lockConfig(service, note);
  try {
    await ports.swarm.createConfig(config);
  } catch (error) {
    if (isConflict(error)) return busy(service.name, (await memoryFor(ports, service.id)).lock);
    // The manager may have made it, but its answer was lost.
    if (!isFault(error)) throw error;
    if ((await memoryFor(ports, service.id)).lock?.note.roll !== note.roll) throw error;
  }
  const { lock } = await memoryFor(ports, service.id);
  if (lock?.note.roll !== note.roll) return busy(service.name, lock);
  return held(ports, service, lock);
}

/** Takes over the lock of a dead holder, with its roll; undefined if another process was faster. */
export async function adoptLock(ports: Place, service: Subject, lock: SwarmLock): Promise<HeldSwarmLock | undefined> {
  const labels = { ...heartbeatLabels(lock), [HOLDER_LABEL]: ports.host.holder };
  try {
    await ports.swarm.labelConfig(lock.config, labels);
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return undefined;
    throw error;
  }
  const { lock: now } = await memoryFor(ports, service.id);
  return now && holderOf(now) === ports.host.holder ? held(ports, service, now) : undefined;
}

/** True: the holder of a lock lives. Watches the heartbeat for a while if needed. */
export async function isHeld(ports: Place, service: string, lock: SwarmLock): Promise<boolean> {
  const holder = holderOf(lock);
  if (holder === ports.host.holder) return OWN.has(lock.note.roll);
  const lives = ports.host.isAlive(holder);
  if (lives !== undefined) return lives;
  for (let waited = 0; waited < SILENCE_MS; waited += LOOK_EVERY_MS) {
    await ports.clock.sleep(LOOK_EVERY_MS);
    const { lock: now } = await memoryFor(ports, service);
    if (!now || now.heartbeat !== lock.heartbeat) return now !== undefined;
  }
  return false;
}

/** The same without a wait; undefined if only the heartbeat can show it. */
export function isKnownHeld({ host }: Pick<Ports, 'host'>, lock: SwarmLock): boolean | undefined {
  const holder = holderOf(lock);
  return holder === host.holder ? OWN.has(lock.note.roll) : host.isAlive(holder);
}

function held(ports: Place, service: Subject, lock: SwarmLock): HeldSwarmLock {
  OWN.add(lock.note.roll);
  const ended = new AbortController();
  void keepHeartbeat(ports, service, lock, ended.signal);
  return {
    lock,
    confirm: () => heartbeat(ports, service, lock),
    release: async () => {
      ended.abort();
      await removeOwn(ports, service.id, lock).catch((error: unknown) => {
        ports.report({ kind: 'debug', text: `lock of ${service.name}: ${String(error)}` });
      });
      OWN.delete(lock.note.roll);
    },
  };
}

// A process that took the lock over holds the same config object.
async function removeOwn(ports: Place, service: string, lock: SwarmLock): Promise<void> {
  const { lock: now } = await memoryFor(ports, service);
  if (now?.config.id === lock.config.id && holderOf(now) === ports.host.holder)
    await ports.swarm.removeConfig(lock.config.id);
}

// The next heartbeat makes up for a failed one; each change confirms the lock itself.
async function keepHeartbeat(ports: Place, service: Subject, lock: SwarmLock, ended: AbortSignal): Promise<void> {
  let said = '';
  while (!ended.aborted) {
    await ports.clock.sleep(HEARTBEAT_MS, ended);
    if (ended.aborted) return;
    const failed = await heartbeat(ports, service, lock).then(() => '', String);
    if (failed !== '' && failed !== said) ports.report({ kind: 'debug', text: `lock of ${service.name}: ${failed}` });
    said = failed;
  }
}

const TRIES = 3;

// The version changes with each heartbeat, and two heartbeats of this process may meet.
async function heartbeat(ports: Place, { id, name }: Subject, lock: SwarmLock): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { lock: now } = await memoryFor(ports, id);
    if (!now || now.config.id !== lock.config.id || holderOf(now) !== ports.host.holder)
      throw new SwapError('attention', `the lock of ${name} was lost`, { hint: 'run swapctl recover' });
    try {
      return await ports.swarm.labelConfig(now.config, heartbeatLabels(now));
    } catch (error) {
      if (!isConflict(error) || tries === TRIES) throw error;
    }
  }
}

function busy(service: string, lock: SwarmLock | undefined): never {
  const by = lock ? `, by ${holderOf(lock)} since ${new Date(lock.config.createdAt).toISOString()}` : '';
  return fail('busy', `another roll of ${service} is under way${by}`, {
    hint: 'wait until it is done; swapctl recover ends it if its process is dead',
  });
}
