import type { Container } from '../core/container.ts';
import { isConflict } from '../core/engine-error.ts';
import { fail, messageOf, SwapError } from '../core/error.ts';
import { decodeState, encodeState } from '../core/labels.ts';
import { lockName } from '../core/names.ts';
import { inertRequest } from '../core/recreate/request.ts';
import type { Ports } from '../ports.ts';

/** The right to change a service. `lost` aborts when somebody else has taken it, or could have. */
export interface Lease {
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

const BEAT_MS = 2000;
// A holder on another machine that was silent for so long is dead.
const SILENCE_MS = 7000;
const TRIES = 5;

/**
 * Takes the lock of a service: an inert container whose fixed name only one can create, on whatever machine. The holder
 * beats by changing the one number of an inert container that can be changed (its restart count), so that others can
 * tell a dead holder from a living one without a common clock. Raises `busy` if somebody else holds it. It is made from
 * the first of the images that is (still) there.
 */
export async function takeLease(ports: Ports, service: string, images: readonly string[]): Promise<Lease> {
  const name = lockName(service);
  const image = await firstThere(ports, images);
  const labels = encodeState({
    role: 'lock',
    service,
    slot: service,
    holder: ports.host.holder,
    at: new Date(ports.clock.now()).toISOString(),
  });
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      return held(ports, service, await ports.engine.create(inertRequest(name, image, labels)));
    } catch (error) {
      if (!isConflict(error)) throw error;
      await breakDeadLock(ports, service, name);
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
  return lock !== undefined && ports.host.isAlive(holderOf(lock)) !== false;
}

/** Takes away the lock of a service if its holder is dead; resolves with whether it was. Waits if that takes watching. */
export async function dropDeadLock(ports: Ports, service: string): Promise<boolean> {
  const lock = await ports.engine.container(lockName(service));
  if (!lock || (await isHeld(ports, lock))) return false;
  await ports.engine.remove(lock.id, { discard: true });
  return true;
}

function holderOf(lock: Container): string {
  return decodeState(lock.config.Labels ?? {})?.holder ?? '';
}

async function breakDeadLock(ports: Ports, service: string, name: string): Promise<void> {
  const lock = await ports.engine.container(name);
  if (!lock) return;
  const holder = holderOf(lock);
  if (await isHeld(ports, lock))
    busy(service, `since ${new Date(lock.createdAt).toISOString()}, by ${holder || 'an unknown process'}`);
  ports.report({
    kind: 'note',
    text: `${service}: the process that rolled it before (${holder}) is dead; taking over`,
  });
  await ports.engine.remove(lock.id, { discard: true });
}

async function isHeld(ports: Ports, lock: Container): Promise<boolean> {
  return ports.host.isAlive(holderOf(lock)) ?? (await beats(ports, lock));
}

async function beats(ports: Ports, lock: Container): Promise<boolean> {
  await ports.clock.sleep(SILENCE_MS);
  const later = await ports.engine.container(lock.id);
  return later !== undefined && beatOf(later) !== beatOf(lock);
}

function beatOf(lock: Container): number {
  return lock.host.RestartPolicy?.MaximumRetryCount ?? 0;
}

function held(ports: Ports, service: string, id: string): Lease {
  const ended = new AbortController();
  const lost = new AbortController();
  void beat(ports, id, ended.signal).catch((cause) => {
    lost.abort(new SwapError('attention', `the lock of ${service} was lost`, { hint: 'run swapctl recover', cause }));
  });
  return {
    lost: lost.signal,
    release: async () => {
      ended.abort();
      // A lock that can't be taken away now is one of a dead holder soon: the next roll takes it over.
      await ports.engine
        .remove(id, { discard: true })
        .catch((error) => ports.report({ kind: 'debug', text: `lock of ${service}: ${messageOf(error)}` }));
    },
  };
}

async function beat(ports: Ports, id: string, ended: AbortSignal): Promise<void> {
  let lastGood = ports.clock.now();
  for (let count = 1; !ended.aborted; count++) {
    await ports.clock.sleep(BEAT_MS, ended);
    if (ended.aborted) return;
    try {
      await ports.engine.setRestart(id, { Name: 'on-failure', MaximumRetryCount: count });
      lastGood = ports.clock.now();
    } catch (error) {
      const gone = (await ports.engine.container(id).catch(() => 'unknown')) === undefined;
      if (gone || ports.clock.now() - lastGood > SILENCE_MS - BEAT_MS) throw error;
    }
  }
}

function busy(service: string, detail: string): never {
  return fail('busy', `another roll of ${service} is under way (${detail})`, {
    hint: 'wait until it is done, or stop that process',
  });
}
