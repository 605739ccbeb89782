import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProxyAccess } from '../../../ports/proxy-access.ts';

const LOCK = '.swapctl-lock';
const LOOK_EVERY_MS = 100;
/** A change takes no longer: its process was killed. About 40 s. */
const LOOKS_UNTIL_STALE = 400;

/**
 * Does a change of a route while no other route of the same nginx is changed, so that the proof of one reload is not that of another.
 * The lock is a symbolic link, since making one succeeds for one process only, and it says whose it is.
 */
export async function locked<T>(
  access: ProxyAccess,
  folder: string,
  route: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const lock = path.posix.join(folder, LOCK);
  await acquire(access, lock, route, signal);
  try {
    return await work();
  } finally {
    await access.remove(lock, signal);
  }
}

async function acquire(access: ProxyAccess, lock: string, route: string, signal: AbortSignal): Promise<void> {
  const own = `${route}/${randomUUID()}`;
  let [seen, looks] = ['', 0];
  for (;;) {
    const made = await access.run(['ln', '-sn', own, lock], signal);
    // Its folder may belong to another user than nginx's: then changes at the same time are not kept apart.
    if (made.code === 0 || !/exists/i.test(made.output)) return;
    const { code, output } = await access.run(['readlink', lock], signal);
    if (code !== 0) continue;
    const holder = output.trim();
    looks = holder === seen ? looks + 1 : 0;
    seen = holder;
    // A route is changed by one roll at a time, so its own lock is that of a process that was killed.
    if (holder.startsWith(`${route}/`) || looks > LOOKS_UNTIL_STALE) await access.remove(lock, signal);
    else await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}
