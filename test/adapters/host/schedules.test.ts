import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { cronSchedules } from '../../../src/adapters/host/schedules.ts';
import { SwapError } from '../../../src/core/model/error.ts';

const { next } = cronSchedules();

suite('cron expressions', () => {
  const table: [string, string, string, string | undefined][] = [
    ['0 4 * * *', 'UTC', '2026-01-05T04:00:00Z', '2026-01-06T04:00:00Z'],
    ['*/15 * * * *', 'UTC', '2026-01-05T03:59:59Z', '2026-01-05T04:00:00Z'],
    ['0 4 * * 6', 'UTC', '2026-01-05T00:00:00Z', '2026-01-10T04:00:00Z'],
    ['@daily', 'UTC', '2026-01-05T00:00:01Z', '2026-01-06T00:00:00Z'],
    ['0 4 * * *', 'Europe/Berlin', '2026-07-05T00:00:00Z', '2026-07-05T02:00:00Z'],
    // In the skipped hour: once, right after it. In the repeated hour: once.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
    ['30 1 * * *', 'America/New_York', '2026-11-01T05:30:00Z', '2026-11-02T06:30:00Z'],
    ['0 0 30 2 *', 'UTC', '2026-01-05T00:00:00Z', undefined],
  ];
  for (const [expression, zone, after, expected] of table)
    test(`${expression} (${zone}) after ${after}`, async () => {
      const at = await next(expression, Date.parse(after), zone);
      assert.equal(at, expected === undefined ? undefined : Date.parse(expected));
    });

  test('that are none are refused', async () => {
    for (const expression of ['61 4 * * *', '0 4 * * FOO', '0 0 4 * * *', 'x x x x x'])
      await assert.rejects(
        next(expression, 0, 'UTC'),
        (error) => error instanceof SwapError && error.code === 'config',
      );
  });
});
