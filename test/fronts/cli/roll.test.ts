import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaReport, ServiceReport } from '../../../src/core/report/report.ts';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import { cli, FAILED, NEW, OLD, PLAN, ROLLED, UNCHANGED } from './fakes.ts';

function failedWith(code: NonNullable<ServiceReport['error']>['code']): ServiceReport {
  return { service: 'web', outcome: 'failed', timings: { total: 0 }, error: { code, message: `it is ${code}` } };
}

test('a roll is told on one line where nothing wraps', async () => {
  const { status, stdout, stderr } = await cli(['roll', 'web'], { roll: [ROLLED] });
  assert.equal(status, 0);
  assert.equal(
    stdout,
    'web  rolled  start-first  app:1 sha256:ab1200000000 → app:2 sha256:cd3400000000  4.2 s (pull 1.2 s, healthy 1.9 s, drain 0.0 s, stop 0.3 s)\n',
  );
  assert.equal(stderr, '');
});

test('a terminal that is too narrow for the line gets two', async () => {
  const { stdout } = await cli(['roll', 'web'], {
    roll: [ROLLED],
    stdoutIsTty: true,
    columns: 90,
    env: { NO_COLOR: '1' },
  });
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 2);
  assert.equal(lines[1], '  app:1 sha256:ab1200000000 → app:2 sha256:cd3400000000');
  assert.ok(lines.every((line) => line.length <= 90));
});

test('a reference that stays is written once', async () => {
  const report = { ...ROLLED, to: { ...NEW, image: OLD.image } };
  const { stdout } = await cli(['roll', 'web'], { roll: [report] });
  assert.match(stdout, /app:1 sha256:ab1200000000 → sha256:cd3400000000/);
});

test('what was unchanged is told without times', async () => {
  const { stdout, status } = await cli(['roll', 'web', 'db'], { roll: [ROLLED, UNCHANGED] });
  assert.equal(status, 0);
  assert.match(stdout, /^db {3}unchanged {2}app:1 sha256:ab1200000000$/m);
});

test('a failure says what happened, what is true now, and what to do next', async () => {
  const { stdout, status } = await cli(['roll', 'web'], { roll: [FAILED] });
  assert.equal(status, 1);
  assert.equal(
    stdout,
    [
      'web  failed  start-first  app:1 sha256:ab1200000000  31 s (healthy 30 s)',
      '  ✘ web.swapctl-next was not healthy within 30 s (not-healthy)',
      '  now:  app:1 sha256:ab1200000000 serves as before',
      '  next: mend the image, or use --health-timeout',
      '',
    ].join('\n'),
  );
});

test('replicas stand beneath their service, with connections that were cut', async () => {
  const replica = (slot: string, more: Partial<ReplicaReport>): ReplicaReport => ({
    slot,
    outcome: 'rolled',
    from: OLD,
    to: NEW,
    timings: { healthy: 900, total: 1100 },
    ...more,
  });
  const replicas = [
    replica('shop-web-1', {}),
    replica('shop-web-2', { connections: { idle: 5, busy: 3, cut: 2, closed: 1 }, gap: 900 }),
  ];
  const { stdout } = await cli(['roll', 'shop/web'], { roll: [{ ...ROLLED, service: 'shop/web', replicas }] });
  assert.match(stdout, /^ {2}✔ shop-web-1 {2}1\.1 s \(healthy 0\.9 s\)$/m);
  assert.match(stdout, /2 connections of shop-web-2 were still busy when the drain time was over/);
  assert.match(stdout, /1 connection of shop-web-2 finished what was under way/);
  assert.match(stdout, /5 connections of shop-web-2 were idle and closed by the stop/);
  assert.match(stdout, /1 connection of shop-web-2 was idle and closed before the stop/);
  assert.match(stdout, /nobody answered for shop-web-2 for at most 0\.9 s/);
});

test('what a roll went without stands beneath it', async () => {
  const notes = ['no gate: nft refuses the rules (beyond me)'];
  const alone = await cli(['roll', 'web'], { roll: [{ ...ROLLED, notes }] });
  assert.match(alone.stdout, /^ {2}no gate: nft refuses the rules \(beyond me\)$/m);
  const replicas: ReplicaReport[] = [{ slot: 'web-1', outcome: 'rolled', timings: { total: 10 }, notes }];
  const { stdout } = await cli(['roll', 'web'], { roll: [{ ...ROLLED, notes, replicas }] });
  assert.match(stdout, /^ {2}web-1: no gate: nft refuses/m);
});

test('what is left to do after a good roll stands beneath it, and is the exit status', async () => {
  const message = 'nginx still connects to 172.18.0.3';
  const attention = [{ code: 'attention' as const, message, hint: 'reload nginx' }];
  const { stdout, status } = await cli(['roll', 'web'], { roll: [{ ...ROLLED, attention }] });
  assert.equal(status, 3);
  assert.match(stdout, /^web +rolled/m);
  assert.match(stdout, /^ {2}! nginx still connects to 172\.18\.0\.3 \(attention\)\n {2}next: reload nginx$/m);
  const replicas: ReplicaReport[] = [{ slot: 'web-1', outcome: 'rolled', timings: { total: 10 }, attention }];
  const several = await cli(['roll', 'web'], { roll: [{ ...ROLLED, replicas }] });
  assert.equal(several.status, 3);
});

test('an error that a replica and its service share is told once', async () => {
  const replicas: ReplicaReport[] = [
    { slot: 'web-1', outcome: 'rolled-back', timings: { total: 10 } },
    { ...FAILED, slot: 'web-2' },
  ];
  const { stdout } = await cli(['roll', 'web'], { roll: [{ ...FAILED, replicas }] });
  assert.equal(stdout.split('was not healthy').length, 2);
  assert.match(stdout, /! web-1 {2}rolled back/);
  assert.match(stdout, /✘ web-2 {2}failed/);
});

test('--json prints the report itself for one service and a list for several', async () => {
  const one = await cli(['roll', 'web', '--json'], { roll: [ROLLED] });
  assert.deepEqual(one.json(), ROLLED);
  assert.equal(one.stdout.trimEnd().split('\n').length, 1);
  const two = await cli(['--json', 'roll', 'web', 'db'], { roll: [ROLLED, UNCHANGED] });
  assert.deepEqual(two.json(), [ROLLED, UNCHANGED]);
  const same = await cli(['roll', '--json', 'web', 'web'], { roll: [ROLLED] });
  assert.deepEqual(same.json(), [ROLLED]);
});

test('--json on a terminal is indented', async () => {
  const { stdout, json } = await cli(['roll', 'web', '--json'], { roll: [ROLLED], stdoutIsTty: true });
  assert.match(stdout, /^\{\n {2}"service"/);
  assert.deepEqual(json(), ROLLED);
});

test('the exit status is that of the gravest failure', async () => {
  const statusOf = async (...codes: NonNullable<ServiceReport['error']>['code'][]) =>
    (await cli(['roll', 'a', 'b'], { roll: codes.map(failedWith) })).status;
  assert.equal(await statusOf('not-healthy'), 1);
  assert.equal(await statusOf('refused'), 2);
  assert.equal(await statusOf('attention'), 3);
  assert.equal(await statusOf('busy'), 4);
  assert.equal(await statusOf('registry-unreachable'), 5);
  assert.equal(await statusOf('not-healthy', 'attention'), 3);
  assert.equal(await statusOf('login', 'bad-image'), 1);
  assert.equal(await statusOf('busy', 'login'), 5);
  assert.equal(await statusOf('config', 'busy'), 4);
});

test('a replica that is worse off than its service decides the exit status', async () => {
  const replicas: ReplicaReport[] = [
    { slot: 'web-1', outcome: 'failed', timings: { total: 1 }, error: { code: 'attention', message: 'stuck' } },
  ];
  const { status, stdout } = await cli(['roll', 'web'], { roll: [{ ...FAILED, replicas }] });
  assert.equal(status, 3);
  assert.match(stdout, /✘ stuck \(attention\)\n {2}now: {2}it stopped halfway/);
});

test('a replica that a rollback took back is marked as a success', async () => {
  const replicas: ReplicaReport[] = [{ slot: 'web-1', outcome: 'rolled-back', timings: { total: 10 } }];
  const report: ServiceReport = { ...ROLLED, outcome: 'rolled-back', replicas };
  const { stdout } = await cli(['roll', 'web'], { roll: [report] });
  assert.match(stdout, /^ {2}✔ web-1 {2}rolled back/m);
});

test('options of a roll reach the application as label keys', async () => {
  const options =
    '--image app:2 --pull never --force --settle 2s --drain-timeout 1m --no-drain-idle --health-timeout 90 --strategy stop-first --no-rehearsal --keep 3';
  const { calls } = await cli(['roll', 'web', ...options.split(' ')], { roll: [ROLLED] });
  const { signal, ...request } = calls[0]?.request ?? { signal: undefined };
  assert.ok(signal instanceof AbortSignal);
  assert.deepEqual(request, {
    target: askedTarget({ image: 'app:2' }),
    pull: 'never',
    force: true,
    overrides: {
      settle: '2s',
      'drain.timeout': '1m',
      'drain.idle': 'false',
      'health.timeout': '90',
      strategy: 'stop-first',
      rehearsal: 'false',
      keep: '3',
    },
  });
});

test('a roll without options overrides nothing', async () => {
  const { calls } = await cli(['roll', 'web', 'db'], { roll: [] });
  assert.deepEqual(calls[0]?.selectors, ['web', 'db']);
  assert.deepEqual(calls[0]?.request?.overrides, {});
});

test('--host and --context are understood before and after the command', async () => {
  const before = await cli(['--host', 'ssh://me@there', 'roll', 'web'], { roll: [ROLLED] });
  assert.deepEqual(before.opened, [{ host: 'ssh://me@there' }]);
  const after = await cli(['roll', 'web', '--context=prod'], { roll: [ROLLED] });
  assert.deepEqual(after.opened, [{ context: 'prod' }]);
});

test('the application is closed after a success and after a failure', async () => {
  assert.equal((await cli(['roll', 'web'], { roll: [ROLLED] })).closed, 1);
  assert.equal((await cli(['roll', 'web'], { raise: new Error('oh') })).closed, 1);
});

test('a plan shows the way, why, the steps, and that nothing was changed', async () => {
  const { stdout, status } = await cli(['plan', 'web'], { plan: [PLAN] });
  assert.equal(status, 0);
  assert.equal(
    stdout,
    [
      'web  would roll  → app:2 sha256:cd3400000000',
      '  start-first: it holds nothing that two containers could not have at once; swapctl.strategy=stop-first changes it',
      '  1. create web.swapctl-next from the new image',
      '  2. start web.swapctl-next',
      '  3. wait until web.swapctl-next is healthy',
      '',
      'nothing was changed',
      '',
    ].join('\n'),
  );
});

test('plan ends with what is restarted after the roll', async () => {
  const after = ['restart shop-api-1 (depends_on: web, restart: true)'];
  const { stdout } = await cli(['plan', 'web'], { plan: [{ ...PLAN, after }] });
  assert.match(stdout, /^ {2}then restart shop-api-1 \(depends_on: web, restart: true\)$/m);
});

test('plan and roll name what swapctl leaves to its user', async () => {
  const one = 'not done by swapctl: post_start of web (1 command), which compose runs after each start';
  const plan = await cli(['plan', 'web'], { plan: [{ ...PLAN, notDone: [one] }] });
  const roll = await cli(['roll', 'web'], { roll: [{ ...ROLLED, notDone: [one] }] });
  assert.ok(plan.stdout.replace(/\s+/g, ' ').includes(` ! ${one} `), plan.stdout);
  assert.ok(roll.stdout.includes(`\n  ${one}\n`), roll.stdout);
});

test('plan says what the roll would go without', async () => {
  const notes = ['no gate: nft refuses the rules (beyond me); a new container can be reached before it is healthy'];
  const plan = { ...PLAN, slots: PLAN.slots.map((slot) => ({ ...slot, notes })) };
  const { stdout } = await cli(['plan', 'web'], { plan: [plan] });
  assert.match(stdout, /^ +! no gate: nft refuses the rules \(beyond me\)/m);
});

test('a refused plan says why and has the exit status of the refusal', async () => {
  const slot = {
    slot: 'web',
    strategy: 'none',
    rehearsal: false,
    because: '',
    verdict: 'refused' as const,
    steps: [],
    error: { code: 'refused' as const, message: 'it is paused', hint: 'docker unpause web' },
  };
  const { stdout, status } = await cli(['plan', 'web'], { plan: [{ ...PLAN, slots: [slot] }] });
  assert.equal(status, 2);
  assert.match(
    stdout,
    /web {2}refused {2}→ app:2[\s\S]*✘ it is paused \(refused\)[\s\S]*now: {2}nothing was touched[\s\S]*next: docker unpause web/,
  );
});

test('a plan of several replicas shows each', async () => {
  const [slot] = PLAN.slots;
  assert.ok(slot);
  const slots = [
    { ...slot, slot: 'shop-web-1', verdict: 'unchanged' as const, steps: [] },
    { ...slot, slot: 'shop-web-2', verdict: 'fetch' as const, rehearsal: true, strategy: 'stop-first' },
  ];
  const { stdout } = await cli(['plan', 'shop/web'], { plan: [{ ...PLAN, service: 'shop/web', slots }] });
  assert.match(stdout, /shop\/web {2}2 replicas, one after the other/);
  assert.match(stdout, /^ {2}shop-web-1 {2}unchanged$/m);
  assert.match(stdout, /shop-web-2 {2}may roll, only a pull can tell\n {4}stop-first, after a rehearsal: /);
});

test('plan --json prints the plan itself for one service', async () => {
  assert.deepEqual((await cli(['plan', 'web', '--json'], { plan: [PLAN] })).json(), PLAN);
  assert.deepEqual((await cli(['plan', 'a', 'b', '--json'], { plan: [PLAN, PLAN] })).json(), [PLAN, PLAN]);
});

test('a rollback is reported like a roll', async () => {
  const { stdout, status, calls } = await cli(['rollback', 'web', '--settle', '1s'], {
    rollback: { ...ROLLED, from: NEW, to: OLD },
  });
  assert.equal(status, 0);
  assert.match(stdout, /^web {2}rolled {2}start-first {2}app:2 sha256:cd3400000000 → app:1 sha256:ab1200000000/);
  assert.deepEqual(calls[0]?.request?.overrides, { settle: '1s' });
});

test('rollback takes a reference or the beginning of a digest', async () => {
  for (const image of ['app:1', 'sha256:ab12', 'ab12cd']) {
    const { calls, json } = await cli(['rollback', 'web', '--json', '--image', image], { rollback: ROLLED });
    assert.equal(calls[0]?.request?.earlier, image);
    assert.deepEqual(json(), ROLLED);
  }
});

test('a rollback without history fails with 1', async () => {
  const { status } = await cli(['rollback', 'web'], { rollback: failedWith('no-history') });
  assert.equal(status, 1);
});

test('a roll says what it restarted for compose, and what did not come back', async () => {
  const error = 'was restarted, but does not run: it is exited (exit code 1)';
  const restarted = [
    { container: 'shop-api-1', ms: 1200 },
    { container: 'shop-mail-1', ms: 300, error },
  ];
  const attention = [
    {
      code: 'attention' as const,
      message: `shop-mail-1 ${error}`,
      hint: 'see docker logs shop-mail-1, then docker restart shop-mail-1',
    },
  ];
  const { stdout, status } = await cli(['roll', 'web'], { roll: [{ ...ROLLED, restarted, attention }] });
  assert.equal(status, 3);
  assert.match(
    stdout,
    /^ {2}shop-api-1 was restarted \(1\.2 s\), since it depends on web \(depends_on, restart: true\)$/m,
  );
  assert.match(
    stdout,
    /^ {2}! shop-mail-1 was restarted, but does not run: it is exited \(exit code 1\) \(attention\)$/m,
  );
});
