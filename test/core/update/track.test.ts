import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { SwapError } from '../../../src/core/model/error.ts';
import { parseReference } from '../../../src/core/model/reference.ts';
import { needsTags, parseTrack, trackedNow } from '../../../src/core/update/track.ts';
import { parseVersion } from '../../../src/core/update/version.ts';

const REPOSITORY = 'ghcr.io/me/app';

/** The tag that is tracked now. */
function tagNow(track: string, current: string, tags: readonly string[]): string {
  const { text: now } = trackedNow(parseTrack(track, 'it'), parseReference(`${REPOSITORY}:${current}`), tags);
  assert.ok(now.startsWith(`${REPOSITORY}:`), now);
  return now.slice(REPOSITORY.length + 1);
}

const PLAIN = [
  '1.3.9',
  '1.4.0',
  '1.4.2',
  '1.4.10',
  '1.5.0',
  '2.0.0',
  '2.1.0-rc.1',
  'latest',
  '1',
  '1.4',
  'v9.0.0',
  '9.9.9-alpine',
];

const CASES: [track: string, current: string, tags: string[], expected: string, why: string][] = [
  ['digest', '1.4.2', PLAIN, '1.4.2', 'the tag itself is followed'],
  ['patch', '1.4.2', PLAIN, '1.4.10', 'numbers are compared as numbers'],
  ['minor', '1.4.2', PLAIN, '1.5.0', 'the major version stays'],
  ['major', '1.4.2', PLAIN, '2.0.0', 'a pre-release is not for who follows releases'],
  ['newest', '1.4.2', PLAIN, '2.0.0', 'the same'],
  ['^1.4', '1.4.2', PLAIN, '1.5.0', 'a range'],
  ['~1.4', '1.4.2', PLAIN, '1.4.10', 'a narrower range'],
  ['1.4.0 || 2.x', '1.3.9', PLAIN, '2.0.0', 'ranges together'],
  ['<2', '2.0.0', PLAIN, '2.0.0', 'never backwards, even if the range is below'],
  ['^1.4', '1.6.0', PLAIN, '1.6.0', 'never backwards'],
  ['^1.4', 'latest', PLAIN, '1.5.0', 'a tag without a version takes the newest plain release'],
  ['^1.4', 'latest', ['1.5.0-alpine', '1.5', 'v1.4.9'], 'v1.4.9', 'no variant, no shorter tag'],
  ['^3', 'latest', PLAIN, 'latest', 'nothing fits'],
  ['minor', '1.4', ['1.4', '1.5', '1.5.3', '1.10'], '1.10', 'as many numbers as before'],
  ['major', '16', ['15', '16', '17', '17.1', '20240115'], '17', 'a date is not version twenty million'],
  ['newest', '20240115', ['20240115', '20240301', '3'], '20240301', 'dates among dates'],
  ['newest', '2024.1', ['2024.1', '2024.1.3', '2024.1'], '2024.1.3', 'newest counts any number of numbers'],
  ['newest', '1.4', ['1.5', '1.5.0'], '1.5', 'of two that are as new, the one that is written alike'],
  ['minor', 'v1.2.0', ['v1.3.0', '1.4.0', 'ver1.5.0'], 'v1.3.0', 'a prefix stays'],
  ['minor', '1.27-alpine', ['1.28', '1.28-alpine', '1.29-alpine-slim', '1.30-perl'], '1.28-alpine', 'a suffix stays'],
  ['minor', '1.27.3-alpine3.19', ['1.28.0-alpine3.20', '1.28.0-alpine3.19'], '1.28.0-alpine3.20', 'a newer base'],
  ['minor', '1.27.3-alpine3.20', ['1.28.0-alpine3.19', '1.28.0-alpine'], '1.27.3-alpine3.20', 'never an older base'],
  ['patch', '1.27.3-alpine3.19', ['1.27.3-alpine3.20', '1.27.2-alpine3.21'], '1.27.3-alpine3.20', 'the same, rebuilt'],
  [
    'minor',
    '1.27.3-debian12.5',
    ['1.28.0-debian12.6', '1.29.0-debian13.0'],
    '1.28.0-debian12.6',
    'the next system waits',
  ],
  ['minor', '9.0.1-jdk17', ['9.1.0-jdk21', '9.0.2-jdk17'], '9.0.2-jdk17', 'a newer language is another kind'],
  ['minor', '6.4.3-php8.2-apache', ['6.5.0-php8.3-apache'], '6.4.3-php8.2-apache', 'so is this one'],
  [
    'minor',
    '1.0.0-rc.2-alpine3.20',
    ['1.0.0-rc.3-alpine3.20', '1.0.0-rc.1-alpine3.21'],
    '1.0.0-rc.3-alpine3.20',
    'both',
  ],
  [
    'newest',
    'RELEASE.2024-11-07T00-52-20Z',
    ['RELEASE.2024-11-07T00-52-21Z', 'RELEASE.2023-12-31T23-59-59Z', 'RELEASE.2025-01-02T00-00-00Z.fips', '9.0.0'],
    'RELEASE.2024-11-07T00-52-21Z',
    'the time of a release',
  ],
  [
    'minor',
    'RELEASE.2024-11-07T00-52-20Z',
    ['RELEASE.2024-12-01T00-00-00Z', 'RELEASE.2025-01-02T00-00-00Z'],
    'RELEASE.2024-12-01T00-00-00Z',
    'the year counts as the major version',
  ],
  ['minor', 'pg14-v0.2.0', ['pg14-v0.3.0', 'pg15-v0.4.0', 'pg14-v1.0.0'], 'pg14-v0.3.0', 'a number in the name'],
  [
    'minor',
    'v1.2.3-v2',
    ['v1.3.0-v2', 'v1.2.3-v3', 'v1.4.0-v3'],
    'v1.3.0-v2',
    'a version comes before what follows it',
  ],
  ['minor', 'stable-1.2.3-v2', ['stable-1.3.0-v2'], 'stable-1.3.0-v2', 'also behind a word'],
  ['major', 'pg14-v0.2.0', ['pg14-v0.3.0', 'pg15-v1.4.0', 'pg14-v1.0.0'], 'pg14-v1.0.0', 'which stays'],
  ['minor', '1.0.0-rc.1', ['1.0.0-rc.2', '1.0.0-beta.9'], '1.0.0-rc.2', 'who follows a pre-release gets the next'],
  ['minor', '1.0.0-rc.1', ['1.0.0-rc.2', '1.0.0'], '1.0.0', 'and the release when it is there'],
  ['^1.0.0-0', '1.0.0-rc.9', ['1.0.0-rc.10', '1.1.0-alpha.1'], '1.1.0-alpha.1', 'and those of the range'],
  [
    'minor',
    '3.14.0b1-slim',
    ['3.14.0b2-slim', '3.14.0rc1-slim', '3.14.0rc2'],
    '3.14.0rc1-slim',
    'as Python writes them',
  ],
  ['patch', '8.0.36', ['8.0.37', '8.0.37.1', '8.1.0'], '8.0.37', 'four numbers are another kind'],
  ['minor', '1.2.3.4', ['1.2.3.5', '1.2.3.10', '1.2.3'], '1.2.3.10', 'four numbers among four'],
  ['newest', '1.2.3', ['7e8f123a', '1234abc', 'sha-1234567', '2.0.0'], '2.0.0', "a commit's hash is no version"],
  ['major', '1.2.3', ['99999999999999999999.0.0', '2.0.0'], '2.0.0', 'what no number holds is none'],
  ['regex:^(\\d+)\\.(\\d+)-ls(\\d+)$', '4.1-ls9', ['4.1-ls10', '4.1-ls8', '3.9-ls99', '5.0'], '4.1-ls10', 'by groups'],
  ['regex:^v(\\d+)(?:\\.(\\d+))?$', 'v1', ['v1.1', 'v1.0', 'v0.9'], 'v1.1', 'a group that took no part is zero'],
  ['regex:^build-(\\d+)$', 'latest', ['build-9', 'build-10'], 'build-10', 'from a tag that does not match'],
  ['regex:^(.*)$', 'a', ['b', 'c'], 'a', 'what is no number is no order'],
];

suite('what is followed now', () => {
  for (const [track, current, tags, expected, why] of CASES)
    test(`${track} from ${current}: ${expected}, for ${why}`, () =>
      assert.equal(tagNow(track, current, tags), expected));

  test('a digest is never left, and needs no tags', () => {
    const pinned = `${REPOSITORY}:1.4.2@sha256:${'a'.repeat(64)}`;
    assert.equal(trackedNow(parseTrack('major', 'it'), parseReference(pinned), PLAIN).text, pinned);
    assert.equal(needsTags(parseTrack('major', 'it'), parseReference(pinned)), false);
    assert.equal(needsTags(parseTrack('digest', 'it'), parseReference(REPOSITORY)), false);
    assert.equal(needsTags(parseTrack('^1', 'it'), parseReference(REPOSITORY)), true);
  });

  test('a reference keeps its spelling', () => {
    const range = parseTrack('^1', 'it');
    assert.equal(trackedNow(range, parseReference('app'), ['1.0.0']).text, 'app:1.0.0');
    assert.equal(trackedNow(range, parseReference('127.0.0.1:5000/app'), ['1.0.0']).text, '127.0.0.1:5000/app:1.0.0');
    assert.equal(
      trackedNow(range, parseReference('127.0.0.1:5000/app:1.0.0'), ['1.0.1']).text,
      '127.0.0.1:5000/app:1.0.1',
    );
  });

  test('a step from a tag without a version is a mistake', () => {
    assert.throws(() => tagNow('minor', 'latest', PLAIN), { code: 'config', message: /"latest" has no version/ });
  });
});

suite('the value', () => {
  test('may have blanks around it', () => {
    assert.deepEqual(parseTrack(' minor ', 'it'), { kind: 'step', upTo: 'minor' });
  });

  for (const wrong of [
    '',
    'latest',
    'majr',
    '^one',
    'regex:',
    'regex:^v1$',
    'regex:(',
    `regex:(${'a'.repeat(300)})`,
    '>'.repeat(500),
  ])
    test(`${JSON.stringify(wrong.slice(0, 20))} is a mistake that is told`, () => {
      const raised = (() => {
        try {
          return parseTrack(wrong, 'label swapctl.track');
        } catch (error) {
          return error;
        }
      })();
      assert.ok(raised instanceof SwapError, JSON.stringify(raised));
      assert.equal(raised.code, 'config');
      assert.match(raised.message, /^label swapctl\.track: /);
      assert.ok(raised.hint);
    });
});

suite('whatever tags there are', () => {
  const number = fc.nat({ max: 30 });
  const tag = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(number, number, number).map((parts) => parts.join('.')) },
    { weight: 2, arbitrary: fc.tuple(number, number).map((parts) => `v${parts.join('.')}-alpine`) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(number, number, fc.constantFrom('rc.1', 'beta2', 'alpha', 'slim'))
        .map(([a, b, c]) => `${a}.${b}.0-${c}`),
    },
    fc
      .string({ unit: fc.constantFrom(...'abcv0123.-_'), minLength: 1, maxLength: 12 })
      .filter((text) => /^\w/.test(text)),
  );
  const tags = fc.array(tag, { maxLength: 30 });
  const track = fc.constantFrom('major', 'minor', 'patch', 'newest', '^3', '>=1 <9', '*');
  const versions = tag.filter((one) => parseVersion(one) !== undefined);

  test('the followed tag is one of them, of the same kind, and newer', () => {
    fc.assert(
      fc.property(track, versions, tags, (wanted, current, all) => {
        const now = tagNow(wanted, current, all);
        if (now === current) return;
        assert.ok(all.includes(now));
        const [before, after] = [parseVersion(current), parseVersion(now)];
        assert.equal(after?.prefix, before?.prefix);
        assert.equal(after?.suffix, before?.suffix);
        assert.ok(before?.pre || !after?.pre, `${current} → ${now}`);
        // A service on the newer tag never goes back.
        assert.equal(tagNow(wanted, now, [...all, current]), now);
      }),
      { numRuns: 3000 },
    );
  });

  test('their order does not matter', () => {
    fc.assert(
      fc.property(track, versions, tags, (wanted, current, all) => {
        assert.equal(tagNow(wanted, current, all), tagNow(wanted, current, all.toReversed()));
      }),
    );
  });
});
