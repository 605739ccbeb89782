// Waiting for something to become true, without a deadline that a slow machine could miss.
import { setTimeout as sleep } from 'node:timers/promises';

/** A safety net that keeps a hanging test from running for ever; no wait is shorter, whatever it waits for. */
export const SAFETY_NET_MS = 120_000;

/** Asks until the answer is something; names what it waited for if it never is. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined | false | null>): Promise<T> {
  const deadline = Date.now() + SAFETY_NET_MS;
  for (;;) {
    // Its timer keeps the process alive, also if the question waits for nothing that does.
    const answer = await inTime(ask(), what);
    if (answer) return answer;
    if (Date.now() > deadline) throw inVain(what);
    await sleep(50);
  }
}

/** The same for a promise. */
export async function inTime<T>(end: Promise<T>, what: string): Promise<T> {
  const over = new AbortController();
  const late = sleep(SAFETY_NET_MS, undefined, { signal: over.signal }).then(() => {
    throw inVain(what);
  });
  late.catch(() => {});
  return Promise.race([end, late]).finally(() => over.abort());
}

function inVain(what: string): Error {
  return new Error(`waited ${SAFETY_NET_MS / 1000} s in vain: ${what}`);
}
