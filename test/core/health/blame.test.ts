// Failures that only an image can have caused: a table of causes.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { codeOf, type Failed, isRejection, otherCause, otherCauseOfBuild } from '../../../src/core/health/blame.ts';
import type { Container } from '../../../src/core/model/container.ts';
import { container } from '../builders.ts';

const SCRIPTS = { type: 'bind', name: '', source: '/srv/scripts', target: '/scripts', writable: false, driver: '' };
const RUNC = 'OCI runtime create failed: runc create failed: unable to start container process: ';

type Change = Omit<Partial<Failed>, 'container'> & { readonly container?: Partial<Container> };

function failed({ container: change = {}, ...rest }: Change): Failed {
  return {
    container: container(change),
    by: 'exit',
    words: [],
    beside: true,
    redirected: 0,
    wasHealthy: false,
    ...rest,
  };
}

const exit = (exitCode: number, words: string[] = [], change: Partial<Container> = {}, beside = true): Failed =>
  failed({ words, beside, container: { exitCode, ...change } });
const start = (words: string, change: Partial<Container> = {}): Failed =>
  failed({ by: 'start', words: [words], container: change });
const check = (change: Change): Failed => failed({ by: 'check', ...change });
const runs = (...Cmd: string[]): Partial<Container> => ({ mounts: [SCRIPTS], config: { Cmd } });
const PATH = ['PATH=/usr/bin:/scripts'];

suite('the image may not be to blame for', () => {
  const table: [string, Failed, RegExp][] = [
    [
      'a program in a mount that is not there',
      start(`${RUNC}exec: "/scripts/run": stat /scripts/run: no such file or directory`, runs()),
      /\/scripts\/run is in a mount/,
    ],
    [
      'a program that crun does not find in a mount',
      start('crun: executable file `/scripts/run` not found', runs()),
      /\/scripts\/run is in a mount/,
    ],
    [
      'a program beside the working folder, which is a mount',
      start(`${RUNC}exec: "./run": stat ./run: no such file or directory`, {
        mounts: [SCRIPTS],
        config: { WorkingDir: '/scripts' },
      }),
      /\/scripts\/run is in a mount/,
    ],
    [
      'a program that may have been in a mount of its $PATH',
      start(`${RUNC}exec: "run": executable file not found in $PATH`, { mounts: [SCRIPTS], config: { Env: PATH } }),
      /\/scripts\/run is in a mount/,
    ],
    [
      'a user of an /etc/passwd that is mounted',
      start('unable to find user app: no matching entries in passwd file', {
        mounts: [{ ...SCRIPTS, target: '/etc/passwd' }],
      }),
      /\/etc\/passwd is in a mount/,
    ],
    [
      'status 127 of a shell that is to run a script in a mount',
      exit(127, [], runs('sh', '-c', 'exec /scripts/run --fast')),
      /\/scripts\/run is in a mount/,
    ],
    [
      'status 126, if the shell names a file in a mount',
      exit(126, ['sh: 1: /scripts/run: Permission denied'], runs('sh', '-c', '$RUN')),
      /\/scripts\/run is in a mount/,
    ],
    [
      'a machine without memory',
      exit(137, [], { oomKilled: true, host: { Memory: 0 } }),
      /the machine ran out of memory/,
    ],
    ['SIGKILL', exit(137), /a signal from outside/],
    ['SIGTERM', exit(143), /a signal from outside/],
    [
      'a device that is busy',
      exit(1, ['open /dev/ttyUSB0: Device or resource busy', 'bye']),
      /may be outside the image: open \/dev\/ttyUSB0/,
    ],
    [
      'an end of which the engine knows nothing',
      failed({ container: { exitCode: 1 }, endUnknown: true }),
      /does not know any more/,
    ],
    ['a GPU that is busy', exit(1, ['all CUDA-capable devices are busy or unavailable']), /may be outside the image/],
    ['a full disk', exit(1, ['write /data/x: no space left on device']), /may be outside the image/],
    [
      'a database that does not answer',
      exit(1, ['Error: connect ECONNREFUSED 172.18.0.9:5432']),
      /may be outside the image/,
    ],
    ['a name server that does not answer', exit(1, ['getaddrinfo EAI_AGAIN db']), /may be outside the image/],
    [
      'a lock that the old container holds',
      exit(1, ['another process holds the lock file /data/LOCK']),
      /may be outside the image/,
    ],
    [
      "a port of the host's network",
      exit(1, ['listen EADDRINUSE: address already in use :::80'], { host: { NetworkMode: 'host' } }),
      /may be outside the image/,
    ],
    [
      "a port of another container's network",
      exit(1, ['bind: address already in use'], { host: { NetworkMode: 'container:vpn' } }),
      /may be outside the image/,
    ],
    [
      'a check that the old container fails, too',
      check({ incumbent: { ok: false, output: ' HTTP 503 from / \n' } }),
      /^the old container fails its check, too \(HTTP 503 from \/\)$/,
    ],
    [
      'a check that the old container fails without a word',
      check({ incumbent: { ok: false, output: '' } }),
      /^the old container fails its check, too$/,
    ],
    ['a probe that has no way to it', check({ reached: false }), /cannot reach it from here/],
    [
      'a gate that keeps a peer away',
      check({ redirected: 1, incumbent: { ok: true, output: '' } }),
      /the gate redirected 1 connection away/,
    ],
    ['a gate that keeps peers away', check({ redirected: 7 }), /the gate redirected 7 connections away/],
  ];
  for (const [name, one, cause] of table) test(name, () => assert.match(otherCause(one) ?? 'nothing', cause));
});

suite('only the image is to blame for', () => {
  const table: [string, Failed][] = [
    [
      'a program that it does not have',
      start(`${RUNC}exec: "/app/run": stat /app/run: no such file or directory`, runs()),
    ],
    ['a program in a folder whose name begins like a mount', start(`${RUNC}exec: "/scripts2/run": not found`, runs())],
    [
      'a program that is in no folder of $PATH',
      start(`${RUNC}exec: "run": executable file not found in $PATH`, {
        mounts: [SCRIPTS],
        config: { Env: ['PATH=/usr/bin'] },
      }),
    ],
    ['a user that it does not know', start('unable to find user app: no matching entries in passwd file')],
    [
      'status 127 of a shell that runs a program of the image',
      exit(127, ['sh: run: not found'], runs('sh', '-c', 'run')),
    ],
    ['an exit', exit(1, ['Error: no such module'])],
    ['an exit without a word', exit(0)],
    ['more memory than the container may have', exit(137, [], { oomKilled: true, host: { Memory: 64e6 } })],
    ['a port that it opens twice', exit(1, ['listen EADDRINUSE: address already in use :::80'])],
    ['a lock, once the old container has stopped', exit(1, ['the database is locked'], {}, false)],
    ['a check that the old container passes', check({ incumbent: { ok: true, output: 'HTTP 200' } })],
    [
      'a check that does not come through to it, but to the old container',
      check({ incumbent: { ok: true, output: '' }, reached: false }),
    ],
    ['a refused connection', check({ reached: true })],
    ['a check of its own', check({})],
    ['a check that fails once it was healthy, with the gate open', check({ redirected: 3, wasHealthy: true })],
  ];
  for (const [name, one] of table) test(name, () => assert.equal(otherCause(one), undefined));
});

suite('a build that may fail for something else than its files', () => {
  for (const [words, other] of [
    ['npm error code EAI_AGAIN', true],
    ['dial tcp: lookup registry.example: no such host', true],
    ["E: Failed to fetch http://packages.example/x  Temporary failure resolving 'packages.example'", true],
    ['failed to resolve source metadata for docker.io/library/node:22: 503 Service Unavailable', true],
    ['write /var/lib/docker/tmp: no space left on device', true],
    ['toomanyrequests: too many requests', true],
    ['process "/bin/sh -c make" did not complete successfully: exit code: 2', false],
    ['src/main.c:3: error: expected ";"', false],
    ['COPY failed: file not found in build context: stat app: file does not exist', false],
  ] as const)
    test(words, () => assert.equal(otherCauseOfBuild(['the build failed', words]) !== undefined, other));
});

test('an image is rejected for its own failures, and for what a person says', () => {
  const codes = (['image', 'host', 'surroundings', 'person'] as const).map(codeOf);
  assert.deepEqual(codes, ['not-healthy', 'cannot-start', 'unproven', 'interrupted']);
  const rejecting = (['not-healthy', 'known-bad', 'build-failed', 'unproven', 'cannot-start'] as const).filter((code) =>
    isRejection({ code }),
  );
  assert.deepEqual(rejecting, ['not-healthy', 'known-bad', 'build-failed']);
});
