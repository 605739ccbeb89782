// Single words and lines: references, versions, patterns, times, addresses.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sshArgs } from '../../src/adapters/docker/connect/ssh.ts';
import { cronSchedules } from '../../src/adapters/host/schedules.ts';
import { isInnerAddress } from '../../src/adapters/registry/http/addresses.ts';
import { retryAfterMs } from '../../src/adapters/registry/http/pace.ts';
import { parseDevRules } from '../../src/core/build/develop.ts';
import { parseGitSource, shownGit } from '../../src/core/build/git.ts';
import { parseAddress } from '../../src/core/inventory/address.ts';
import { canonical, formatRepository, isImageId, parseReference } from '../../src/core/model/reference.ts';
import { formatDuration, parseDuration } from '../../src/core/text/duration.ts';
import { parseBackoff, parseSchedule } from '../../src/core/update/schedule.ts';
import { parseTrack, trackedNow } from '../../src/core/update/track.ts';
import { parseVersion } from '../../src/core/update/version.ts';
import { isOpen, nextOpening, parseWindows } from '../../src/core/update/window.ts';
import { repeated, type Target, target, texts } from './target.ts';

const HEX = 'a'.repeat(64);
const AT = Date.parse('2026-03-02T12:00:00Z');

const references = texts(
  ['app', 'nginx', 'docker.io', '/', ':', '@', 'sha256:', HEX, '1.27', '-', '.', '_', '[::1]', '5000', 'library', 'A'],
  ['ghcr.io/me/app:stable', `127.0.0.1:5000/app@sha256:${HEX}`, 'nginx', '[::1]:5000/a/b:1'],
);
const versions = texts(
  ['1', '27', '.', '-', 'v', 'rc', 'alpha', 'b', '+', '_', '2024', '0', 'alpine', 'deadbee', '~'],
  ['v1.27.3-rc.1-alpine', '3.14.0b1', '2024.01.15', '1.2.3+build', '8-jdk'],
);
const tracks = texts(
  [
    'regex:',
    'semver:',
    'semver',
    'digest',
    '(',
    ')',
    '\\d',
    '+',
    '*',
    '[',
    ']',
    '^',
    '$',
    '|',
    '?',
    '{9}',
    '~1',
    '>=',
    ' ',
  ],
  ['regex:^v(\\d+)\\.(\\d+)$', 'semver:~1.27', 'semver:>=1 <2', 'regex:(a|aa)+$'],
);
const times = texts(
  ['Mon', '-', 'Fri', ' ', '02:00', '04:00', ';', ',', 'Europe/Berlin', 'UTC', '24:00', '99:99', 'daily', 'Sun'],
  ['Mon-Fri 02:00-04:00 Europe/Berlin', '22:00-02:00', 'Sat,Sun', 'Mon 00:00-24:00 UTC; Tue'],
);
const durations = texts(
  ['1', '5', 's', 'm', 'h', 'd', 'ms', '.', '-', ' ', '0', '999999999999'],
  ['90s', '1h30m', '5m-24h', 'off'],
);
const schedules = texts(
  ['every', ' ', '15m', 'jitter', '*', '/', '5', ',', '-', '@daily', 'Europe/Berlin', '0', 'L', '#', 'MON', '?'],
  ['0 4 * * *', '0 4 * * 1-5 Europe/Berlin', 'every 15m jitter 2m', '*/5 * * * *', '@hourly', '0 0 29 2 *'],
);
const repositories = texts(
  ['https://', 'git@', 'ssh://', 'h.example', '/', ':', '#', 'main', '%', 'e4', '-', '..', 'x.git', '@', 'user', '\\'],
  [
    'https://u:p@git.example.org/me/shop.git#main:web',
    'git@git.example.org:me/shop.git',
    'ssh://git@h:22/x#v1',
    '/srv/x',
  ],
);
const addresses = texts(
  ['unix://', 'tcp://', 'ssh://', 'h', ':', '22', '[', '::1', ']', '@', '/', '%zz', '-l', '?', '99999', 'user'],
  ['unix:///run/d.sock', 'tcp://[::1]:2376', 'ssh://me@box:22/run/d.sock', 'host:1234'],
);
const rules = texts(
  ['rebuild', 'sync', 'sync+exec', 'sync+signal', ':', '=', ';', '/app', './src', ' ', 'SIGHUP', ',', '>', '->', '!'],
  ['./src:/app sync', 'sync ./src /app; rebuild package.json'],
);
const ADDRESS = { origin: 'a test', code: 'usage' } as const;

export const WORDS: readonly Target[] = [
  target(
    'image references',
    references,
    (text) => {
      const ref = parseReference(text);
      const whole = canonical(parseReference(text));
      assert.deepEqual(parseReference(whole), { ...ref, text: whole });
      assert.equal(canonical(parseReference(whole)), whole);
      assert.doesNotMatch(formatRepository(ref), /[\s\0"'\\?#%]|\.\.\//);
      isImageId(text);
    },
    { work: parseReference, texts: repeated('a', 'a-', 'a/', '-', '._', 'a:', '@', '[:') },
  ),
  target(
    'versions',
    versions,
    (text) => {
      const version = parseVersion(text);
      for (const one of version?.numbers ?? []) assert.ok(Number.isSafeInteger(one));
    },
    { work: parseVersion, texts: repeated('1', '1.', 'v', '1-rc.', 'a1', '-') },
  ),
  target(
    'tag patterns',
    fc.tuple(tracks, fc.array(versions, { maxLength: 4 })),
    ([text, tags]) => {
      const track = parseTrack(text, 'a test');
      assert.equal(typeof trackedNow(track, parseReference('app:1'), tags).text, 'string');
    },
    {
      work: (text) => trackedNow(parseTrack('regex:^(\\d+)+$', 'it'), parseReference('app:1'), [`${text}x`]),
      texts: repeated('1', 'a'),
    },
  ),
  target(
    'windows',
    times,
    (text) => {
      const windows = parseWindows(text, 'a test');
      isOpen(windows, AT);
      const next = nextOpening(windows, AT);
      if (next !== undefined) assert.ok(next >= AT && isOpen(windows, next));
    },
    { work: (text) => parseWindows(text, 'it'), texts: repeated(';', 'Mon-', ' ', '1', ',') },
  ),
  target(
    'durations and backoffs',
    durations,
    (text) => {
      const ms = parseDurationOrNone(text);
      if (ms !== undefined) assert.equal(parseDuration(formatDuration(ms), 'it', '365d'), ms);
      parseBackoff(text, 'a test');
    },
    { work: (text) => parseBackoff(text, 'it'), texts: repeated('1', '1s', '-', ' ', '1.') },
  ),
  target(
    'schedules and cron expressions',
    schedules,
    async (text) => {
      const schedule = parseSchedule(text, 'a test');
      if (schedule.kind === 'every') return assert.ok(schedule.ms >= 10_000);
      const next = await cronSchedules().next(schedule.expression, AT, schedule.zone);
      if (next !== undefined) assert.ok(next > AT);
    },
    { work: (text) => parseSchedule(text, 'it'), texts: repeated('*', '* ', ' jitter', ' jitter 1', '0,', '*/1 ') },
  ),
  target(
    'repositories',
    repositories,
    (text) => {
      const source = parseGitSource(text, 'a test');
      for (const word of [source.url, source.ref ?? 'x', source.folder ?? 'x']) {
        assert.ok(!word.startsWith('-'), 'no option');
        assert.doesNotMatch(word, /[\0-\x1f\x7f]/);
      }
      const shown = shownGit(source);
      const again = parseGitSource(shown, 'a test');
      assert.deepEqual(again, { ...source, login: undefined });
      if (source.login?.password) assert.ok(!shown.includes(`:${source.login.password}@`));
    },
    { work: (text) => parseGitSource(text, 'it'), texts: repeated('a', '/', '@', ':', '#', 'a.', '%41') },
  ),
  target(
    'addresses of engines',
    addresses,
    (text) => {
      const address = parseAddress(text, ADDRESS);
      if (address.kind !== 'ssh') return;
      const args = sshArgs({ ...address, origin: 'it' }, 1000);
      const at = args.indexOf('--');
      assert.equal(args[at + 1], address.host);
      assert.ok(!address.host.startsWith('-'));
      assert.ok(args.every((one) => !one.includes('\0')));
    },
    { work: (text) => parseAddress(text, ADDRESS), texts: repeated('a', ':', '/', '[', '@', 'a.', '-') },
  ),
  target(
    'rules of dev',
    rules,
    (text) => {
      for (const { path } of parseDevRules(text, '/base', 'a test')) assert.ok(path.startsWith('/'));
    },
    { work: (text) => parseDevRules(text, '/', 'it'), texts: repeated(';', ':', ' ', 'a', '/', '../') },
  ),
  target(
    'addresses and times of registries',
    texts(['127', '.', '0', ':', 'fe80', '::', '%', 'Mon, ', '2026', ' GMT', '-1', '1e9']),
    (text) => {
      isInnerAddress(text);
      const ms = retryAfterMs(text, AT);
      if (ms !== undefined) assert.ok(ms >= 0 && Number.isFinite(ms));
    },
    { work: (text) => [isInnerAddress(text), retryAfterMs(text, AT)], texts: repeated('1', '1.', ':', 'a') },
  ),
];

function parseDurationOrNone(text: string): number | undefined {
  try {
    return parseDuration(text, 'it', '365d');
  } catch {
    return undefined;
  }
}
