import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { type HealthMemory, healthCheck, judge, NOTHING_SEEN, settledAt } from '../../../src/core/health/health.ts';
import type { Container, HealthConfig } from '../../../src/core/model/container.ts';
import { container, policy } from '../builders.ts';

const S = 1e9;
const CHECK: HealthConfig = { Test: ['CMD', '/healthy'], Interval: 5 * S, Timeout: 2 * S, Retries: 3 };

function checked(health: Partial<HealthConfig> = {}, change: Partial<Container> = {}): Container {
  return container({ config: { Healthcheck: { ...CHECK, ...health } }, startedAt: 1000, ...change });
}

function memory(change: Partial<HealthMemory>): HealthMemory {
  return { ...NOTHING_SEEN, watchedSince: 1000, ...change };
}

suite('the check', () => {
  const table: [string, Container, ReturnType<typeof policy>, unknown][] = [
    ['none', container(), policy(), undefined],
    ['switched off', checked({ Test: ['NONE'] }), policy(), undefined],
    ['empty', checked({ Test: [] }), policy(), undefined],
    ['a command without words', checked({ Test: ['CMD'] }), policy(), undefined],
    ['a command', checked(), policy(), { kind: 'exec', command: ['/healthy'] }],
    [
      'a shell command',
      checked({ Test: ['CMD-SHELL', 'a | b'] }),
      policy(),
      { kind: 'exec', command: ['/bin/sh', '-c', 'a | b'] },
    ],
    [
      "a shell command in the image's own shell",
      container({ config: { Shell: ['/bin/ash', '-e'], Healthcheck: { Test: ['CMD-SHELL', 'a'] } } }),
      policy(),
      { kind: 'exec', command: ['/bin/ash', '-e', 'a'] },
    ],
    [
      "the user's, before the image's",
      checked(),
      policy({ probe: { kind: 'tcp', port: 1 } }),
      { kind: 'tcp', port: 1 },
    ],
  ];
  for (const [name, one, settings, probe] of table) {
    test(name, () => assert.deepEqual(healthCheck(one, settings)?.probe, probe));
  }
});

suite('how long a container may take (T30, T31)', () => {
  const table: [string, Partial<HealthConfig>, number | undefined, number][] = [
    ['retries times interval and probe', {}, undefined, 3 * (5 + 2)],
    ['the start period comes before', { StartPeriod: 60 * S }, undefined, 60 + 21],
    ["the engine's defaults where nothing is set", { Interval: 0, Timeout: 0, Retries: 0 }, undefined, 3 * (30 + 30)],
    ['a probe is not waited for longer than the interval', { Timeout: 30 * S }, undefined, 3 * (5 + 5)],
    ["the user's word beats it", { StartPeriod: 60 * S }, 7000, 7],
  ];
  for (const [name, health, healthTimeoutMs, seconds] of table) {
    test(`${name}: ${seconds} s`, () => {
      const verdict = judge(checked(health), policy({ healthTimeoutMs }), memory({}), 2000);
      assert.deepEqual(verdict, { kind: 'waiting', until: 1000 + seconds * 1000 });
    });
  }

  test('to the millisecond, and then it failed', () => {
    assert.equal(judge(checked(), policy(), memory({}), 22_000).kind, 'waiting');
    const verdict = judge(checked(), policy(), memory({ lastOutput: 'no route' }), 22_001);
    assert.ok(verdict.kind === 'failed' && verdict.blame === 'image');
    assert.match(verdict.reason, /not healthy 21 s after its start; the check's last output: no route/);
  });

  test('a process that finds it later gives it the whole time again: nobody was there to see it healthy', () => {
    const verdict = judge(checked(), policy(), memory({ watchedSince: 900_000 }), 900_001);
    assert.deepEqual(verdict, { kind: 'waiting', until: 900_000 + 21_000 });
    assert.equal(judge(checked(), policy(), NOTHING_SEEN, 900_000).kind, 'waiting');
  });
});

suite('who has a check', () => {
  test('is healthy since the first success', () => {
    assert.deepEqual(judge(checked(), policy(), memory({ healthySince: 3000 }), 9000), {
      kind: 'healthy',
      since: 3000,
    });
  });

  test('is healthy where the engine knows it first', () => {
    const one = checked({}, { health: { status: 'healthy', log: [] } });
    assert.deepEqual(judge(one, policy(), memory({}), 9000), { kind: 'healthy', since: 9000 });
  });

  test('failed where the engine says so, in the words of the check', () => {
    const log = [
      { exitCode: 1, output: 'old' },
      { exitCode: 1, output: ` ${'x'.repeat(400)}\n` },
    ];
    const verdict = judge(checked({}, { health: { status: 'unhealthy', log } }), policy(), NOTHING_SEEN, 2000);
    assert.ok(verdict.kind === 'failed');
    assert.equal(verdict.reason, `its health check says unhealthy; the check's last output: ${'x'.repeat(300)}`);
  });

  test('turns unhealthy after as many failures in a row as the check allows', () => {
    const seen = (failuresInRow: number) =>
      judge(checked(), policy(), memory({ healthySince: 1, failuresInRow }), 9000).kind;
    assert.deepEqual([seen(2), seen(3)], ['healthy', 'failed']);
  });

  test('is judged by the check that the user gave, not by the one of the image which it overrules', () => {
    const own = policy({ probe: { kind: 'http', port: 80, path: '/ready' } });
    for (const status of ['healthy', 'unhealthy'] as const) {
      const one = checked({}, { health: { status, log: [] } });
      assert.equal(judge(one, own, memory({}), 2000).kind, 'waiting', status);
      assert.equal(judge(one, own, memory({ healthySince: 1500 }), 2000).kind, 'healthy', status);
    }
  });

  test('has settled the settle time after it was healthy', () => {
    assert.equal(settledAt(checked(), policy(), 3000, { brief: false }), 8000);
  });

  test('has settled a second after it was healthy if another one of its image has settled, or sooner if that was sooner', () => {
    assert.equal(settledAt(checked(), policy(), 3000, { brief: true }), 4000);
    assert.equal(settledAt(checked(), policy({ settleMs: 300 }), 3000, { brief: true }), 3300);
  });
});

suite('who has no check', () => {
  test('is healthy when it has run for the settle time, and has settled by that', () => {
    const one = container({ startedAt: 1000 });
    assert.deepEqual(judge(one, policy(), NOTHING_SEEN, 5999), { kind: 'waiting', until: 6000 });
    assert.deepEqual(judge(one, policy(), NOTHING_SEEN, 6000), { kind: 'healthy', since: 6000 });
    assert.equal(settledAt(one, policy(), 6000, { brief: false }), 6000);
  });

  test('is healthy at once without a settle time', () => {
    assert.equal(judge(container({ startedAt: 1000 }), policy({ settleMs: 0 }), NOTHING_SEEN, 1000).kind, 'healthy');
  });
});

const NO_PROGRAM = 'crun: executable file `x` not found in $PATH: No such file or directory';
const GONE = 'crun: cannot stat `/srv/gone`: No such file or directory';

suite('who does not run', () => {
  const table: [string, Partial<Container>, string, 'image' | 'host' | 'person' | undefined][] = [
    ['created', { status: 'created' }, 'unstarted', undefined],
    ['not found in the image', { status: 'created', exitCode: 127, error: NO_PROGRAM }, NO_PROGRAM, 'image'],
    ['not found, as Podman shows it', { status: 'created', exitCode: 0, error: NO_PROGRAM }, NO_PROGRAM, 'image'],
    ['a mount that is gone, with the same exit code', { status: 'created', exitCode: 127, error: GONE }, GONE, 'host'],
    [
      'a port that is taken',
      { status: 'created', exitCode: 128, error: 'port is already allocated' },
      'port is already allocated',
      'host',
    ],
    ['refused without a word', { status: 'created', exitCode: 128 }, 'exit code 128', 'host'],
    ['exited', { status: 'exited', exitCode: 3 }, 'exited with status 3', 'image'],
    ['exited with success', { status: 'exited', exitCode: 0 }, 'exited with status 0', 'image'],
    ['exited 127 by itself', { status: 'exited', exitCode: 127 }, 'exited with status 127', 'image'],
    ['could not be started again', { status: 'exited', exitCode: 127, error: NO_PROGRAM }, NO_PROGRAM, 'image'],
    ['could not be started again by the host', { status: 'exited', exitCode: 137, error: GONE }, GONE, 'host'],
    ['out of memory', { status: 'exited', exitCode: 137, oomKilled: true }, 'out of memory', 'image'],
    ['dead', { status: 'dead', exitCode: 1 }, 'exited with status 1', 'image'],
    ['paused, and healthy before', { status: 'paused' }, 'a user paused it', 'person'],
    ['restarting', { status: 'restarting', exitCode: 2 }, 'was restarted', 'image'],
    ['restarted, and running for now', { status: 'running', restartCount: 1, exitCode: 2 }, 'was restarted', 'image'],
  ];
  for (const [lastExit, reason] of [
    [3, 'it exited with status 3 and was restarted'],
    [0, 'it exited with status 0 and was restarted'],
    [undefined, 'it exited and was restarted'],
  ] as const)
    test(`restarted, and running for now, with the status 0 of that run: ${reason}`, () => {
      const restarted = checked({}, { status: 'running', restartCount: 1, exitCode: 0 });
      const verdict = judge(restarted, policy(), memory({ lastExit }), 2000);
      assert.equal(verdict.kind === 'failed' && verdict.reason, reason);
    });
  test('stopped by somebody: no image is to blame', () => {
    const verdict = judge(
      checked({}, { status: 'exited', exitCode: 137 }),
      policy(),
      memory({ stoppedByOthers: true }),
      2000,
    );
    assert.ok(verdict.kind === 'failed' && verdict.blame === 'person');
    assert.match(verdict.reason, /^it was stopped from outside/);
  });
  for (const [name, change, reason, blame] of table) {
    test(`${name}: ${reason}`, () => {
      const verdict = judge(checked({}, change), policy(), memory({ healthySince: 1 }), 2000);
      if (blame === undefined) return assert.equal(verdict.kind, reason);
      assert.ok(verdict.kind === 'failed');
      assert.ok(verdict.reason.includes(reason), verdict.reason);
      assert.equal(verdict.blame, blame);
    });
  }
});

test('one that is being removed is down, however well it was: with --rm that is how an end is seen', () => {
  const verdict = judge(
    checked({}, { status: 'removing', exitCode: 0 }),
    policy(),
    memory({ healthySince: 1500 }),
    2000,
  );
  assert.equal(verdict.kind, 'failed');
});
