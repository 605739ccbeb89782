// The loop's requirements of the Clock port: the same statements about the virtual clock and about the machine's.
import assert from 'node:assert/strict';
import test, { suite, type TestContext } from 'node:test';
import type { Clock } from '../../src/ports/host.ts';

/** The behaviour of a machine's clock that the virtual one lacks. */
export const NOT_MODELLED = [
  'wall clocks that somebody sets: now() and monotonic() go at the same pace',
  'timers that fire late',
] as const;

type Rule = (clock: Clock) => Promise<void>;

/** Declares the contract for one clock. */
export function clockContract(what: string, open: (t: TestContext) => Clock): void {
  suite(`the clock port: ${what}`, () => {
    for (const [name, rule] of Object.entries(RULES)) test(name, async (t) => rule(open(t)));
  });
}

const HOUR_MS = 3_600_000;
// Timers count whole milliseconds, and this clock parts of them.
const ROUNDING_MS = 2;

const RULES: Record<string, Rule> = {
  'a sleep takes its time': async (clock) => {
    const before = { now: clock.now(), monotonic: clock.monotonic() };
    await clock.sleep(40);
    assert.ok(clock.monotonic() - before.monotonic >= 40 - ROUNDING_MS);
    assert.ok(clock.now() - before.now >= 40 - ROUNDING_MS);
  },
  'shorter sleeps end first, and equal ones in the order of their beginning': async (clock) => {
    const woken: string[] = [];
    const sleep = (name: string, ms: number): Promise<unknown> => clock.sleep(ms).then(() => woken.push(name));
    await Promise.all([sleep('long', 200), sleep('first', 20), sleep('second', 20)]);
    assert.deepEqual(woken, ['first', 'second', 'long']);
  },
  'a sleep of no time, or less, ends': async (clock) => {
    for (const ms of [0, -5]) await clock.sleep(ms);
  },
  'an aborted sleep ends at once, and is no failure': async (clock) => {
    const before = clock.monotonic();
    const ended = new AbortController();
    const sleeping = clock.sleep(HOUR_MS, ended.signal);
    ended.abort();
    await sleeping;
    await clock.sleep(HOUR_MS, ended.signal);
    assert.ok(clock.monotonic() - before < HOUR_MS);
  },
  'a signal that aborts after the sleep changes nothing': async (clock) => {
    const ended = new AbortController();
    await clock.sleep(5, ended.signal);
    ended.abort();
    await clock.sleep(5);
  },
};
