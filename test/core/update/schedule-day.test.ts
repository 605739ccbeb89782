import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cronSchedules } from '../../../src/adapters/host/schedules.ts';
import { mayRoll, type RollFacts } from '../../../src/core/update/may-roll.ts';
import { nextCheck } from '../../../src/core/update/schedule.ts';
import { isOpen } from '../../../src/core/update/window.ts';
import { policyOf } from '../own.ts';

const MINUTE = 60_000;

interface Day {
  readonly checks: number[];
  readonly rolls: number[];
}

/** A service for some hours, checked and rolled by its settings; the first rolls fail. */
async function live(
  settings: Record<string, string>,
  from: string,
  hours: number,
  pushed: string,
  failing: number,
): Promise<Day> {
  const policy = policyOf({}, settings);
  const { next } = cronSchedules();
  const checks: number[] = [];
  const rolls: number[] = [];
  let facts: RollFacts = {
    lastRollAt: undefined,
    failures: 0,
    lastFailureAt: undefined,
    imageSince: Date.parse(pushed),
  };
  let now = Date.parse(from);
  const end = now + hours * 60 * MINUTE;
  for (let dice = 0; ; dice = (dice + 0.37) % 1) {
    now = (await nextCheck(policy.schedule, now, next, dice)) ?? assert.fail('the schedule ends');
    if (now >= end) return { checks, rolls };
    checks.push(now);
    const newer = facts.lastRollAt === undefined && now >= Date.parse(pushed);
    if (!newer || !mayRoll(policy, facts, now).now) continue;
    rolls.push(now);
    facts =
      rolls.length > failing
        ? { ...facts, lastRollAt: now, failures: 0 }
        : { ...facts, failures: facts.failures + 1, lastFailureAt: now };
  }
}

test('the night in which Berlin has an hour twice: in the window, old enough, ever later after failures', async () => {
  const window = '02:00-05:00 Europe/Berlin';
  const settings = { schedule: '*/10 * * * * jitter 3m', window, 'min-age': '6h', backoff: '15m-2h' };
  const { checks, rolls } = await live(settings, '2026-10-24T12:00Z', 24, '2026-10-24T19:05Z', 3);
  // Every ten minutes of a day, without its two ends.
  assert.equal(checks.length, 143);
  const { windows } = policyOf({}, settings);
  for (const at of rolls) assert.ok(isOpen(windows, at));
  // The window opens at 00:00 UTC and is open for four hours; the image is six hours old at 01:05. From then on each roll is
  // at the first check, with its jitter, after the wait.
  const free = [Date.parse('2026-10-25T01:05Z'), ...rolls.map((at, n) => at + 15 * MINUTE * 2 ** n)];
  assert.equal(rolls.length, 4);
  for (const [n, at] of rolls.entries()) {
    const late = at - (free[n] ?? 0);
    assert.ok(late >= 0 && late < 13 * MINUTE, `roll ${n} was ${late / MINUTE} min late`);
  }
});

test('an interval with jitter never comes early, and drifts at the most by its jitter', async () => {
  const { checks } = await live({ schedule: 'every 15m jitter 2m' }, '2026-03-28T12:00Z', 24, '2027-01-01T00:00Z', 0);
  const gaps = checks.slice(1).map((at, n) => at - (checks[n] ?? 0));
  assert.ok(Math.min(...gaps) >= 15 * MINUTE && Math.max(...gaps) <= 17 * MINUTE);
  assert.ok(checks.length >= 84 && checks.length <= 96);
});
