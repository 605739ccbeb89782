import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { type MayRoll, mayRoll, type RollFacts } from '../../../src/core/update/may-roll.ts';
import { backoffMs, nextCheck, parseSchedule } from '../../../src/core/update/schedule.ts';
import { isOpen, parseWindows } from '../../../src/core/update/window.ts';
import { policy, raised } from '../builders.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Date.parse('2026-01-05T12:00Z');
const FIRST: RollFacts = { lastRollAt: undefined, failures: 0, lastFailureAt: undefined, imageSince: undefined };

suite('schedules are read', () => {
  const cron = (expression: string, zone?: string, jitterMs = 0) => ({ kind: 'cron', expression, zone, jitterMs });
  const table: [string, object][] = [
    ['every 15m', { kind: 'every', ms: 900_000, jitterMs: 0 }],
    ['every 7d jitter 1h', { kind: 'every', ms: 604_800_000, jitterMs: 3_600_000 }],
    ['0 4 * * *', cron('0 4 * * *')],
    ['  0  4 * *  1-5   jitter 90s ', cron('0 4 * * 1-5', undefined, 90_000)],
    ['0 4 * * MON-FRI/2', cron('0 4 * * MON-FRI/2')],
    ['0 4 * * * Europe/Berlin', cron('0 4 * * *', 'Europe/Berlin')],
    [
      '*/5 * * * * America/Argentina/Buenos_Aires jitter 10s',
      cron('*/5 * * * *', 'America/Argentina/Buenos_Aires', 10_000),
    ],
    ['@daily UTC', cron('@daily', 'UTC')],
  ];
  for (const [text, expected] of table)
    test(JSON.stringify(text), () => assert.deepEqual(parseSchedule(text, 'x'), expected));

  const wrong: [string, RegExp][] = [
    ['', /"" is no schedule/],
    ['hourly', /no schedule/],
    ['0 4 * *', /no schedule/],
    ['0 0 4 * * *', /no schedule/],
    ['0 4 * * * Mars/Base', /"Mars\/Base" is no time zone/],
    ['every', /no schedule/],
    ['every now and then', /no schedule/],
    ['every soon', /"soon" is no duration/],
    ['every 1s', /too often/],
    ['every 1h jitter lots', /"lots" is no duration/],
  ];
  for (const [text, message] of wrong)
    test(`${JSON.stringify(text)} is none`, () => {
      assert.match(raised(() => parseSchedule(text, 'x')).message, message);
    });
});

suite('the next check', () => {
  const noCron = async () => assert.fail('no cron expression was given');

  test('of an interval is one interval after the last, and at most the jitter later', async () => {
    const schedule = parseSchedule('every 15m jitter 2m', 'x');
    assert.equal(await nextCheck(schedule, NOW, noCron, 0), NOW + 15 * MINUTE);
    assert.equal(await nextCheck(schedule, NOW, noCron, 0.5), NOW + 16 * MINUTE);
  });

  test('of an expression is what cron says, in its zone', async () => {
    const asked: unknown[] = [];
    const cron = async (...args: unknown[]) => {
      asked.push(args);
      return NOW + HOUR;
    };
    const schedule = parseSchedule('0 4 * * * Europe/Berlin jitter 1m', 'x');
    assert.equal(await nextCheck(schedule, NOW, cron, 0.5), NOW + HOUR + 30_000);
    assert.deepEqual(asked, [['0 4 * * *', NOW, 'Europe/Berlin']]);
  });

  test('never comes where the expression never does', async () => {
    assert.equal(await nextCheck(parseSchedule('0 0 30 2 *', 'x'), NOW, async () => undefined, 0.5), undefined);
  });
});

test('backoff doubles with every failure, up to the longest', () => {
  const backoff = { firstMs: 5 * MINUTE, longestMs: 24 * HOUR };
  const waits = [0, 1, 2, 3, 4, 9, 10, 2000].map((failures) => backoffMs(backoff, failures) / MINUTE);
  assert.deepEqual(waits, [0, 5, 10, 20, 40, 1280, 1440, 1440]);
  assert.equal(backoffMs(undefined, 3), 0);
});

suite('a service may be rolled', () => {
  const no = (until: string | undefined, because: string): MayRoll => ({
    now: false,
    until: until === undefined ? undefined : Date.parse(until),
    because,
  });
  const table: [string, Parameters<typeof policy>[0], Partial<RollFacts>, MayRoll][] = [
    ['where nothing is in the way', {}, { lastRollAt: NOW - MINUTE }, { now: true }],
    ['not where it is only watched', { monitorOnly: true }, {}, no(undefined, 'it is only watched (monitor-only)')],
    [
      'not soon after the last roll',
      { minIntervalMs: 2 * HOUR },
      { lastRollAt: NOW - HOUR },
      no('2026-01-05T13:00Z', 'min-interval leaves 2 h between two rolls'),
    ],
    ['once the interval is over', { minIntervalMs: 2 * HOUR }, { lastRollAt: NOW - 2 * HOUR }, { now: true }],
    ['for the first time', { minIntervalMs: 2 * HOUR }, {}, { now: true }],
    [
      'not to a young image',
      { minAgeMs: 24 * HOUR },
      { imageSince: NOW - HOUR },
      no('2026-01-06T11:00Z', 'min-age asks for images that are 24 h old'),
    ],
    ['to one of unknown age', { minAgeMs: 24 * HOUR }, {}, { now: true }],
    [
      'not soon after a failure',
      {},
      { failures: 1, lastFailureAt: NOW - MINUTE },
      no('2026-01-05T12:04Z', 'its last roll failed, and backoff waits 5 min 0 s'),
    ],
    [
      'the later the more failed',
      {},
      { failures: 3, lastFailureAt: NOW },
      no('2026-01-05T12:20Z', '3 rolls in a row failed, and backoff waits 20 min 0 s'),
    ],
    ['at once without backoff', { backoff: undefined }, { failures: 3, lastFailureAt: NOW }, { now: true }],
    ['within its window', { windows: parseWindows('11:00-13:00 UTC', 'x') }, {}, { now: true }],
    [
      'not outside of it',
      { windows: parseWindows('Tue 02:00-05:00 UTC; Sat 01:00-02:00 UTC', 'x') },
      {},
      no('2026-01-06T02:00Z', 'its window is Tue 02:00-05:00 UTC; Sat 01:00-02:00 UTC'),
    ],
    [
      'in the window after the longest wait',
      { windows: parseWindows('11:00-13:00 UTC', 'x'), minIntervalMs: 3 * HOUR, minAgeMs: HOUR },
      { lastRollAt: NOW - HOUR, imageSince: NOW },
      no('2026-01-06T11:00Z', 'its window is 11:00-13:00 UTC'),
    ],
    [
      'after the longest wait, if the window is open then',
      { windows: parseWindows('11:00-15:00 UTC', 'x'), minIntervalMs: 3 * HOUR, minAgeMs: HOUR },
      { lastRollAt: NOW - HOUR, imageSince: NOW },
      no('2026-01-05T14:00Z', 'min-interval leaves 3 h between two rolls'),
    ],
  ];
  for (const [what, change, facts, expected] of table)
    test(what, () => assert.deepEqual(mayRoll(policy(change), { ...FIRST, ...facts }, NOW), expected));

  test('when the time has come that it was told to wait for', () => {
    const ago = fc.option(
      fc.nat(48 * 60).map((minutes) => NOW - minutes * MINUTE),
      { nil: undefined },
    );
    const some = fc.record({
      windows: fc
        .constantFrom('', '02:00-05:00 Europe/Berlin', 'Sat 22:00-01:00 UTC')
        .map((text) => parseWindows(text, 'x')),
      times: fc.record({ minIntervalMs: fc.nat(72).map((h) => h * HOUR), minAgeMs: fc.nat(72).map((h) => h * HOUR) }),
      facts: fc.record({ lastRollAt: ago, failures: fc.nat(12), lastFailureAt: ago, imageSince: ago }),
    });
    fc.assert(
      fc.property(some, ({ windows, times, facts }) => {
        const answer = mayRoll(policy({ windows, ...times }), facts, NOW);
        if (answer.now) return assert.ok(isOpen(windows, NOW));
        assert.ok(answer.until !== undefined && answer.until > NOW);
        assert.deepEqual(mayRoll(policy({ windows, ...times }), facts, answer.until), { now: true });
        assert.equal(mayRoll(policy({ windows, ...times }), facts, answer.until - 1).now, false);
      }),
      { numRuns: 300 },
    );
  });
});
