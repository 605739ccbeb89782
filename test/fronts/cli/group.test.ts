// Commands with --on: their output, exit status, and the combinations that are refused.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { GroupApp } from '../../../src/app/group/group.ts';
import type { GroupReport, HostReport } from '../../../src/core/group/report.ts';
import type { ReplicaStatus } from '../../../src/core/report/status.ts';
import { cli, NEW, OLD, ROLLED } from './fakes.ts';

/** A group with the given answers. */
function group(answers: Partial<GroupApp>): { group: (on: string) => GroupApp } {
  const absent = () => assert.fail('the test gave no answer');
  const missing = Object.fromEntries(
    ['roll', 'rollback', 'plan', 'status', 'check', 'update', 'history', 'recover', 'doctor', 'tell'].map((name) => [
      name,
      absent,
    ]),
  );
  return { group: () => ({ ...missing, close: () => {}, ...answers }) as GroupApp };
}

const done = (host: string): HostReport => ({ host, outcome: 'rolled', report: ROLLED });
const GOOD: GroupReport = {
  group: 'all',
  service: 'web',
  outcome: 'rolled',
  image: 'app:2',
  digest: NEW.digest,
  hosts: [done('web1'), done('web2')],
  totalMs: 61_000,
};
const FAILURE = { code: 'not-healthy', message: 'web was not healthy', hint: 'see its log' } as const;
const HALTED: GroupReport = {
  ...GOOD,
  outcome: 'failed',
  hosts: [
    done('web1'),
    { host: 'web2', outcome: 'failed', report: { ...ROLLED, outcome: 'failed', to: OLD }, error: FAILURE },
    { host: 'web3', outcome: 'untouched' },
  ],
  error: { ...FAILURE, message: 'web2: web was not healthy' },
  attention: [
    {
      code: 'attention',
      message: 'web runs the new image on web1 and the old one on web2, web3',
      hint: 'swapctl roll --on all web goes on with the rest',
    },
  ],
};

suite('roll --on', () => {
  test('prints a table of all hosts', async () => {
    const { status, stdout } = await cli(['roll', '--on', 'all', 'web'], group({ roll: async () => [GOOD] }));
    assert.equal(status, 0);
    const [head, titles, first, second] = stdout.split('\n');
    assert.match(head ?? '', /^web on all {2}rolled {2}app:2 sha256:cd34\S+ {2}61 s$/);
    assert.match(titles ?? '', /^HOST +OUTCOME +STRATEGY +BEFORE +NOW +TIME$/);
    assert.match(first ?? '', /^web1 +rolled +start-first +ab1200000000 +cd3400000000 /);
    assert.match(second ?? '', /^web2 /);
  });

  test('states failures with their host, and what to do about two versions', async () => {
    const { status, stdout } = await cli(['roll', '--on', 'all', 'web'], group({ roll: async () => [HALTED] }));
    assert.equal(status, 3);
    assert.match(stdout, /^web on all {2}halted/);
    assert.match(stdout, /^web3 +untouched/m);
    assert.match(stdout, /^✘ web2: web was not healthy \(not-healthy\)\nnow: .*\nnext: see its log$/m);
    assert.match(stdout, /^! web runs the new image on web1 and the old one on web2, web3 \(attention\)\nnext: /m);
  });

  test('prints one document with --json', async () => {
    const one = await cli(['roll', '--on', 'all', 'web', '--json'], group({ roll: async () => [HALTED] }));
    assert.deepEqual(one.json(), JSON.parse(JSON.stringify(HALTED)));
    const two = await cli(['roll', '--on', 'all', 'a', 'b', '--json'], group({ roll: async () => [GOOD, GOOD] }));
    assert.equal(two.json().length, 2);
  });

  test('sends a line for each host with --notify', async () => {
    let told: readonly { service: string; outcome: string }[] = [];
    const answers = group({
      roll: async () => [HALTED],
      notify: async ({ services }) => {
        told = services;
        return [];
      },
    });
    await cli(['roll', '--on', 'all', 'web', '--notify'], answers);
    assert.deepEqual(
      told.map(({ service, outcome }) => `${service} ${outcome}`),
      ['web1/web updated', 'web2/web failed'],
    );
  });
});

const replica = (container: string): ReplicaStatus => ({
  service: 'web',
  container,
  id: container,
  image: 'app:1',
  digest: OLD.digest,
  startedAt: undefined,
  ageMs: 0,
  health: 'healthy',
  phase: 'serving',
  strategy: 'start-first',
  lastRoll: undefined,
  lastRollAgeMs: undefined,
  failedImages: 1,
});

test('status --on shows all hosts in one table, and a host that is away beneath it', async () => {
  const error = { code: 'engine-unreachable', message: 'no engine answers' } as const;
  const hosts = [
    { host: 'web1', report: [replica('web')] },
    { host: 'web2', error },
  ];
  const answer = group({ status: async () => ({ group: 'all', hosts }) });
  const { status, stdout } = await cli(['status', '--on', 'all'], answer);
  assert.equal(status, 5);
  assert.match(stdout, /^HOST +SERVICE +IMAGE .*\nweb1 +web +app:1 /);
  assert.match(stdout, /^web1: web: 1 image failed here before: swapctl history --on web1 web$/m);
  assert.match(stdout, /^✘ web2: no engine answers \(engine-unreachable\)$/m);
});

test('check --on ends with 10 if one host has an update, and says how to roll it', async () => {
  const line = { service: 'web', from: { image: 'app:1', digest: OLD.digest }, because: 'it is newer' };
  const to = { reference: 'app:1', digest: NEW.digest };
  const hosts = [
    { host: 'web1', report: [{ ...line, outcome: 'current' as const }] },
    { host: 'web2', report: [{ ...line, outcome: 'available' as const, to }] },
  ];
  const answer = group({ check: async () => ({ group: 'all', hosts }) });
  const { status, stdout } = await cli(['check', '--on', 'all'], answer);
  assert.equal(status, 10);
  assert.match(stdout, /\nswapctl roll --on all web\n$/);
});

suite('refused', () => {
  for (const [argv, expected] of [
    [['--server', 'unix:///x', 'status', '--on', 'all'], /--on does not work through a server/],
    [['--host', 'unix:///x', 'status', '--on', 'all'], /--on and --host both name engines/],
    [['--context', 'x', 'status', '--on', 'all'], /--on and --context both name engines/],
    [['serve', '--on', 'all'], /--on does not work with serve/],
    [['config', 'check', '--on', 'all'], /--on does not work with config/],
    [['status', '--skip-unreachable'], /--skip-unreachable works only with --on/],
    [['update', '--on', 'all', '--metrics-file', 'x'], /--metrics-file does not work with --on/],
  ] as const)
    test(argv.join(' '), async () => {
      const { status, stderr } = await cli([...argv]);
      assert.equal(status, 2);
      assert.match(stderr, expected);
    });
});
