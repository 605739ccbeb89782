import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { DURATION, formatAge, formatDuration, parseDuration } from '../../../src/core/text/duration.ts';
import { raised } from '../builders.ts';

suite('durations are read', () => {
  const table: [string, number][] = [
    ['0', 0],
    ['30', 30_000],
    ['1.5', 1500],
    [' 30s ', 30_000],
    ['500ms', 500],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['1h1m1s1ms', 3_661_001],
    ['24h', 86_400_000],
    ['1d', 86_400_000],
  ];
  for (const [text, ms] of table)
    test(`${JSON.stringify(text)} is ${ms} ms`, () => assert.equal(parseDuration(text, 'x'), ms));

  for (const text of [
    '',
    ' ',
    's',
    '-1s',
    '+1s',
    '1e3',
    '30 s',
    '2d',
    '1w',
    '1s30',
    '.5s',
    '5.s',
    '25h',
    '24h1ms',
    'Infinity',
    'NaN',
    '1S',
  ]) {
    test(`${JSON.stringify(text)} is none, and the setting is named`, () => {
      const error = raised(() => parseDuration(text, 'label swapctl.settle'));
      assert.equal(error.code, 'config');
      assert.match(error.message, /^label swapctl\.settle: /);
    });
  }

  test('a setting may allow longer ones, and says how long', () => {
    assert.equal(parseDuration('7d12h', 'x', '365d'), 648_000_000);
    assert.match(raised(() => parseDuration('366d', 'x', '365d')).message, /no duration up to 365d$/);
  });

  test('a long text is read no more than once', () => {
    // Long enough that a quadratic reader would never end.
    assert.equal(raised(() => parseDuration(`${'1'.repeat(500_000)}x`, 'x')).code, 'config');
    assert.equal(raised(() => parseDuration(`${'1s'.repeat(500_000)}x`, 'x')).code, 'config');
    // More parts than the stack of a regular expression holds.
    assert.equal(raised(() => parseDuration('1m'.repeat(2_000_000), 'x')).code, 'config');
  });
});

test('durations are written the way people read them', () => {
  const table: [number, string][] = [
    [0, '0.0 s'],
    [449, '0.4 s'],
    [9_900, '9.9 s'],
    [12_000, '12 s'],
    [119_000, '119 s'],
    [185_000, '3 min 5 s'],
    [3_599_999, '60 min 0 s'],
    [5_400_000, '1 h 30 min'],
    [259_200_000, '3 d'],
    [266_400_000, '3 d 2 h'],
  ];
  for (const [ms, text] of table) assert.equal(formatDuration(ms), text);
});

test('ages are written in one unit', () => {
  const table: [number, string][] = [
    [-5000, '0 s'],
    [59_000, '59 s'],
    [60_000, '1 min'],
    [3_600_000, '1 h'],
    [47 * 3_600_000, '47 h'],
    [48 * 3_600_000, '2 d'],
  ];
  for (const [ms, text] of table) assert.equal(formatAge(ms), text);
});

suite('the pattern of durations', () => {
  for (const text of [
    '0',
    '1.5',
    '86400',
    '24h',
    '1440m',
    '86399.999s',
    '23h59m59.999s',
    '1h1m1s1ms',
    '9999999ms',
    '1.5h',
  ])
    test(`matches ${text}`, () => assert.match(text, DURATION));
  for (const text of ['', 's', '86401', '25h', '24h1ms', '1441m', '1d', '30 s', '90m1h', '1s1s', '10000000ms'])
    test(`does not match ${JSON.stringify(text)}`, () => assert.doesNotMatch(text, DURATION));

  test('matches only what is read as at most 24 hours', () => {
    fc.assert(
      fc.property(fc.stringMatching(DURATION), (text) => void parseDuration(text, 'x')),
      { numRuns: 3000 },
    );
  });
});
