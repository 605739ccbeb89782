import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { isOpen, nextOpening, parseWindows } from '../../../src/core/update/window.ts';
import { raised } from '../builders.ts';

const MINUTE = 60_000;

function iso(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString().replace(':00.000Z', 'Z');
}

suite('windows are read', () => {
  const table: [string, object[]][] = [
    ['02:00-05:00', [{ days: [0, 1, 2, 3, 4, 5, 6], from: 120, to: 300, zone: undefined }]],
    ['daily 2:00 - 5:00 UTC', [{ days: [0, 1, 2, 3, 4, 5, 6], from: 120, to: 300, zone: 'UTC' }]],
    ['Mon-Fri 02:00-05:00 Europe/Berlin', [{ days: [1, 2, 3, 4, 5], from: 120, to: 300, zone: 'Europe/Berlin' }]],
    ['sat,SUN 00:00-24:00', [{ days: [0, 6], from: 0, to: 1440, zone: undefined }]],
    ['Fri-Mon 22:00-02:00', [{ days: [0, 1, 5, 6], from: 1320, to: 120, zone: undefined }]],
    [
      'Mon 01:00-02:00; Tue,Thu-Fri 03:00-04:00;',
      [
        { days: [1], from: 60, to: 120, zone: undefined },
        { days: [2, 4, 5], from: 180, to: 240, zone: undefined },
      ],
    ],
    ['', []],
  ];
  for (const [text, expected] of table)
    test(JSON.stringify(text), () => {
      assert.deepEqual(
        parseWindows(text, 'x').map(({ text: _, ...window }) => window),
        expected,
      );
    });

  const wrong: [string, RegExp][] = [
    ['night', /"night" is no time window/],
    ['Mon', /no time window/],
    ['Mon-Fry 02:00-03:00', /no time window/],
    ['Mon-Tue-Wed 02:00-03:00', /no time window/],
    ['Mon- 02:00-03:00', /no time window/],
    ['02:00-25:00', /no time window/],
    ['24:00-03:00', /no time window/],
    ['02:60-03:00', /no time window/],
    ['02:00-02:00', /begins when it ends/],
    ['02:00-03:00 Europe/Belin', /"Europe\/Belin" is no time zone/],
    ['02:00-03:00 UTC; tomorrow', /"tomorrow" is no time window/],
  ];
  for (const [text, message] of wrong)
    test(`${JSON.stringify(text)} is none, and the setting is named`, () => {
      const error = raised(() => parseWindows(text, 'label swapctl.window'));
      assert.equal(error.code, 'config');
      assert.match(error.message, /^label swapctl\.window: /);
      assert.match(error.message, message);
    });
});

suite('the next opening', () => {
  // 2026: Berlin changes on 29 March and 25 October at 01:00 UTC, New York on 8 March at 07:00 and 1 November at 06:00 UTC.
  const table: [string, string, string, string][] = [
    ['later today', '02:00-05:00 UTC', '2026-01-05T01:00Z', '2026-01-05T02:00Z'],
    ['at once, if it is open', '02:00-05:00 UTC', '2026-01-05T04:59Z', '2026-01-05T04:59Z'],
    ['tomorrow, once it has closed', '02:00-05:00 UTC', '2026-01-05T05:00Z', '2026-01-06T02:00Z'],
    ['an odd minute', '02:07-02:09 UTC', '2026-01-05T02:09Z', '2026-01-06T02:07Z'],
    ['the day of the week', 'Sat 02:00-05:00 UTC', '2026-01-05T03:00Z', '2026-01-10T02:00Z'],
    ['the nearest of several', 'Sat 02:00-05:00 UTC; Wed 23:00-23:30 UTC', '2026-01-05T03:00Z', '2026-01-07T23:00Z'],
    ['over midnight, open after it', 'Fri 22:00-02:00 UTC', '2026-01-10T01:59Z', '2026-01-10T01:59Z'],
    ['over midnight, closed before it', 'Fri 22:00-02:00 UTC', '2026-01-09T01:00Z', '2026-01-09T22:00Z'],
    ['over midnight and the end of the week', 'Sat 22:00-02:00 UTC', '2026-01-11T01:00Z', '2026-01-11T01:00Z'],
    ['till midnight', '22:00-24:00 UTC', '2026-01-05T00:00Z', '2026-01-05T22:00Z'],
    ['in winter', '02:00-05:00 Europe/Berlin', '2026-01-05T00:00Z', '2026-01-05T01:00Z'],
    ['in summer', '02:00-05:00 Europe/Berlin', '2026-07-05T23:00Z', '2026-07-06T00:00Z'],
    ['of another day there', 'Mon 02:00-05:00 Asia/Tokyo', '2026-01-04T00:00Z', '2026-01-04T17:00Z'],
    ['of a zone with half hours', '02:10-03:00 Asia/Kathmandu', '2026-01-04T00:00Z', '2026-01-04T20:25Z'],
    ['Berlin, the hour that is skipped', '02:00-05:00 Europe/Berlin', '2026-03-29T00:00Z', '2026-03-29T01:00Z'],
    ['Berlin, a window that begins in it', '02:30-04:00 Europe/Berlin', '2026-03-29T00:00Z', '2026-03-29T01:00Z'],
    ['Berlin, a window that is all in it', '02:15-02:45 Europe/Berlin', '2026-03-29T00:00Z', '2026-03-30T00:15Z'],
    ['Berlin, such a window once a week', 'Sun 02:15-02:45 Europe/Berlin', '2026-03-29T00:00Z', '2026-04-05T00:15Z'],
    ['Berlin, the hour that comes twice, first', '02:30-02:45 Europe/Berlin', '2026-10-24T22:00Z', '2026-10-25T00:30Z'],
    ['Berlin, the hour that comes twice, again', '02:30-02:45 Europe/Berlin', '2026-10-25T00:45Z', '2026-10-25T01:30Z'],
    ['Berlin, over that midnight', 'Sat 23:00-02:30 Europe/Berlin', '2026-10-25T01:00Z', '2026-10-25T01:00Z'],
    ['New York, the hour that is skipped', '02:00-05:00 America/New_York', '2026-03-08T06:00Z', '2026-03-08T07:00Z'],
    ['New York, a window that is all in it', '02:00-03:00 America/New_York', '2026-03-08T06:00Z', '2026-03-09T06:00Z'],
    ['New York, the hour that comes twice', '01:15-01:45 America/New_York', '2026-11-01T05:45Z', '2026-11-01T06:15Z'],
    ['New York, after it', '01:15-01:45 America/New_York', '2026-11-01T06:45Z', '2026-11-02T06:15Z'],
  ];
  for (const [what, windows, after, expected] of table)
    test(`${what}: ${windows} from ${after}`, () => {
      assert.equal(iso(nextOpening(parseWindows(windows, 'x'), Date.parse(after))), expected);
    });

  test('without windows it is always open', () => assert.equal(nextOpening([], 12_345), 12_345));

  const time = fc.nat(24 * 60 - 1).map((m) => `${Math.floor(m / 60)}:${String(m % 60).padStart(2, '0')}`);
  const windows = fc
    .record({
      days: fc.constantFrom('daily', 'Mon-Fri', 'Sun', 'Sat,Wed', 'Fri-Mon'),
      times: fc.tuple(time, time).filter(([from, to]) => from !== to),
      zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
    })
    .map(({ days, times, zone }) => parseWindows(`${days} ${times.join('-')} ${zone}`, 'x'));
  // Around both changes of the clock of those zones.
  const near = fc
    .tuple(
      fc.constantFrom('2026-03-07', '2026-03-28', '2026-04-04', '2026-10-03', '2026-10-24', '2026-10-31'),
      fc.nat(2 * 24 * 60),
    )
    .map(([day, minutes]) => Date.parse(`${day}T00:00Z`) + minutes * MINUTE);

  test('is inside, and nothing before it is', () => {
    fc.assert(
      fc.property(windows, near, (open, after) => {
        const next = nextOpening(open, after);
        assert.ok(next !== undefined && next >= after && isOpen(open, next));
        const before = Math.min(next - after, 6 * 60 * MINUTE);
        for (let back = MINUTE; back <= before; back += MINUTE) assert.ok(!isOpen(open, next - back));
      }),
      { numRuns: 150 },
    );
  });
});
