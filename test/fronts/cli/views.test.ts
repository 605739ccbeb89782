import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaStatus } from '../../../src/core/report/status.ts';
import { cli, FINDINGS, HISTORY, RECOVERED, REPLICA } from './fakes.ts';

const SCALED: ReplicaStatus[] = [
  { ...REPLICA, service: 'shop/web', container: 'shop-web-1' },
  {
    ...REPLICA,
    service: 'shop/web',
    container: 'shop-web-2',
    phase: 'interrupted',
    health: 'starting',
    lastRollAgeMs: undefined,
    failedImages: 2,
  },
];

test('status is a table under a heading', async () => {
  const { stdout, status } = await cli(['status'], { status: [REPLICA] });
  assert.equal(status, 0);
  assert.equal(
    stdout,
    [
      'SERVICE  IMAGE                  DIGEST        AGE  HEALTH   PHASE    STRATEGY     LAST ROLL',
      'web      ghcr.io/example/app:1  ab1200000000  3 h  healthy  serving  start-first  2 d ago',
      '',
    ].join('\n'),
  );
});

test('status fits the terminal: columns go, then the image is cut', async () => {
  for (const columns of [120, 100, 80, 60, 44]) {
    const { stdout } = await cli(['status'], {
      status: SCALED.slice(0, 1),
      stdoutIsTty: true,
      columns,
      env: { NO_COLOR: '1' },
    });
    for (const line of stdout.split('\n')) assert.ok([...line].length <= columns, `${columns}: ${line}`);
    assert.match(stdout, /SERVICE.*IMAGE.*PHASE/);
  }
});

test('a very narrow terminal still gets service and phase', async () => {
  const { stdout } = await cli(['status'], { status: SCALED, stdoutIsTty: true, columns: 40, env: { NO_COLOR: '1' } });
  assert.match(stdout, /shop\/web +shop-web-2 +ghcr\.io\/exa… +interrupted/);
  assert.doesNotMatch(stdout, /DIGEST|STRATEGY|HEALTH/);
});

test('replicas are told apart by their containers, and what needs a word gets one', async () => {
  const { stdout } = await cli(['status', 'web'], { status: SCALED });
  assert.match(stdout, /^shop\/web +shop-web-1/m);
  assert.match(stdout, /^shop-web-2: a roll was interrupted: swapctl recover/m);
  assert.match(stdout, /^shop-web-2: 2 images failed here before: swapctl history shop\/web/m);
});

test('what cannot be rolled says why beneath the table', async () => {
  const { stdout } = await cli(['status'], { status: [{ ...REPLICA, strategy: 'it is paused' }] });
  assert.match(stdout, /^web: can't be rolled: it is paused$/m);
});

test('status without containers says so, as JSON with an empty list', async () => {
  assert.match((await cli(['status'], { status: [] })).stdout, /there are no containers/);
  assert.deepEqual((await cli(['status', '--json'], { status: [] })).json(), []);
});

test('status --json is a list', async () => {
  assert.deepEqual((await cli(['status', 'web', '--json'], { status: [REPLICA] })).json(), [REPLICA]);
});

test('history shows what runs, what is kept, and the last words of what failed', async () => {
  const { stdout, status } = await cli(['history', 'web'], { history: HISTORY });
  assert.equal(status, 0);
  assert.match(stdout, /^app:2 +sha256:cd3400000000 +roll +2025-01-03 10:20Z \(\d+ d ago\) +runs$/m);
  assert.match(stdout, /^app:1 +sha256:ab1200000000 +first start +.* kept$/m);
  assert.match(stdout, /to go back: swapctl rollback web/);
  assert.match(
    stdout,
    /✘ app:3 sha256:ef5600000000[\s\S]*ended with exit code 1 \(not-healthy\)[\s\S]*connection refused[\s\S]*Error: no config/,
  );
});

test('history says "runs" only of a container that runs, and how often what is not rejected was tried', async () => {
  const [entry] = HISTORY.entries;
  const [failure] = HISTORY.failures;
  assert.ok(entry && failure);
  const shown = async (status: 'created' | 'exited' | 'restarting', event: 'rolled' | 'started'): Promise<string> => {
    const entries = [{ ...entry, event, current: true, status } as const];
    const failures = [{ ...failure, code: 'unproven', tries: 3 } as const];
    return (await cli(['history', 'web'], { history: { ...HISTORY, entries, failures } })).stdout;
  };
  assert.match(await shown('created', 'started'), /sha256:cd3400000000 +- .* never started$/m);
  assert.match(await shown('exited', 'rolled'), / stopped$/m);
  assert.match(await shown('restarting', 'rolled'), / restarting$/m);
  assert.match(await shown('exited', 'rolled'), /exit code 1 \(unproven, not rejected; tried 3 times\)/);
});

test('history --json is the document itself', async () => {
  assert.deepEqual((await cli(['history', 'web', '--json'], { history: HISTORY })).json(), HISTORY);
});

test('history shows a damaged time as it is', async () => {
  const [entry] = HISTORY.entries;
  assert.ok(entry);
  const { stdout } = await cli(['history', 'web'], {
    history: { service: 'web', entries: [{ ...entry, at: 'once' }], failures: [], backups: [] },
  });
  assert.match(stdout, /roll +once +runs/);
});

test('recover tells what it did', async () => {
  const { stdout, status } = await cli(['recover'], { recover: RECOVERED });
  assert.equal(status, 0);
  assert.match(stdout, /^✔ web {2}finished: a new container that had taken over$/m);
  assert.match(stdout, /^✔ shop\/api \(shop-api-1\) {2}undone: /m);
  assert.match((await cli(['recover'], { recover: [] })).stdout, /no roll left anything behind/);
});

test('recover ends with 3 if something failed, with 4 if somebody is still at work', async () => {
  const busy = { service: 'a', slot: 'a', found: 'a new container', outcome: 'busy' as const };
  const failed = { ...busy, outcome: 'failed' as const, error: { code: 'busy' as const, message: 'no' } };
  assert.equal((await cli(['recover'], { recover: [...RECOVERED, busy] })).status, 4);
  assert.equal((await cli(['recover'], { recover: [busy, failed] })).status, 3);
  assert.deepEqual((await cli(['recover', '--json'], { recover: [busy] })).json(), [busy]);
});

test('doctor lists what it found, with advice beneath', async () => {
  const { stdout, status } = await cli(['doctor'], { doctor: FINDINGS });
  assert.equal(status, 0);
  assert.equal(
    stdout,
    [
      '✔ engine   Docker 28.0.1 at unix:///var/run/docker.sock',
      '! traffic  open connections can not be counted',
      '           → run swapctl on the machine of the engine',
      '',
      'swapctl can roll here, with 1 limit',
      '',
    ].join('\n'),
  );
});

test('doctor ends with 3 if there is a problem', async () => {
  const problem = { check: 'clock', state: 'problem' as const, found: 'it is off by 3 h', advice: 'set it' };
  const { status, stdout } = await cli(['doctor'], { doctor: [problem] });
  assert.equal(status, 3);
  assert.match(stdout, /✘ clock {2}it is off by 3 h\n +→ set it\n\n1 problem to solve/);
  assert.deepEqual((await cli(['doctor', '--json'], { doctor: [problem] })).json(), [problem]);
});

test('colours come on a terminal, and NO_COLOR and --no-color take them away', async () => {
  const coloured = async (argv: string[], env: Record<string, string>, stdoutIsTty = true) =>
    (await cli(argv, { status: [REPLICA], env, stdoutIsTty })).stdout.includes('\x1b[');
  assert.equal(await coloured(['status'], {}), true);
  assert.equal(await coloured(['status'], {}, false), false);
  assert.equal(await coloured(['status'], { NO_COLOR: '1' }), false);
  assert.equal(await coloured(['status'], { NO_COLOR: '' }), true);
  assert.equal(await coloured(['status', '--no-color'], {}), false);
  assert.equal(await coloured(['status'], { TERM: 'dumb' }), false);
  assert.equal(await coloured(['status'], { FORCE_COLOR: '1' }, false), true);
  assert.equal(await coloured(['status'], { FORCE_COLOR: '0' }), false);
  assert.equal(await coloured(['status'], { FORCE_COLOR: '1', NO_COLOR: '1' }), false);
  assert.equal(await coloured(['status', '--no-color'], { FORCE_COLOR: '1' }), false);
});

test('what containers are called and labelled can do nothing to the terminal', async () => {
  const evil = '\x1b]0;owned\x07\x1b[2Jweb\r\nfake: ok\x9b31m\u202e';
  const { stdout } = await cli(['status'], {
    status: [{ ...REPLICA, service: evil, container: evil, strategy: evil }],
  });
  assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  assert.match(stdout, /^web fake: ok/m);
  const json = await cli(['status', '--json'], { status: [{ ...REPLICA, service: evil }] });
  assert.doesNotMatch(json.stdout.trimEnd(), /[\x00-\x1f\x7f-\x9f\u202e]/);
  assert.equal(json.json()[0].service, evil);
});
