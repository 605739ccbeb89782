// Rolls of Swarm services that are interrupted, or that meet another client of Swarm.
import assert from 'node:assert/strict';
import test, { suite, type TestContext } from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import type { OtherEngine } from '../../lab/engines.ts';
import { type SwarmLab, swarmLab } from '../../lab/swarm.ts';
import { eventually } from '../../lab/waiting.ts';

const APP = { from: 'httpd', health: { intervalMs: 500 } } as const;
const ENDS = { base: 'swapctl-test/base:1', cmd: ['sh', '-c', 'echo cannot read the settings; exit 3'] };
const QUICK = [
  '--replicas',
  '2',
  '--update-order',
  'start-first',
  '--update-monitor',
  '1s',
  '--stop-grace-period',
  '1s',
];
const FAST = ['--settle', '1s'];

/** The lines of progress at which swapctl is killed: each stands for a state. */
const MOMENTS: readonly [string, RegExp, 'good' | 'bad'][] = [
  ['before the update is sent', /: start-first: Swarm replaces/, 'good'],
  ['once the update is sent', /0 of 2 tasks run the new image/, 'good'],
  ['half-way', /1 of 2 tasks run the new image/, 'good'],
  ['while it watches the new tasks', /swapctl watches them/, 'good'],
  ['once a task has failed', /failed: task: non-zero exit/, 'bad'],
  ['while the old image comes back', /tasks run the old image/, 'bad'],
];

// Most of the time is waited for Swarm. `recoverer`: the manager that `recover` asks.
export function interrupted(manager: () => OtherEngine, recoverer = manager): void {
  suite('a roll that is interrupted', { concurrency: 4 }, () => {
    for (const [when, line, kind] of MOMENTS)
      test(`swapctl killed ${when}: recover ends the roll`, async (t) => {
        const lab = await swarmLab(t, manager());
        const { web, first, second } = await prepared(lab, kind);
        await killedAt(t, lab, web, line);
        const through = { ...lab.env, ...recoverer().env };
        const { code, stdout, stderr } = await swapctl(['recover', web, '--json'], { env: through });
        assert.equal(code, 0, stdout + stderr);
        t.diagnostic(stdout.replaceAll(/\s+/g, ' '));
        const digest = await digestOf(lab, web);
        assert.ok(kind === 'bad' ? digest === first : [first, second].includes(digest));
        await eventually(
          'all tasks run one image',
          async () => (await digestsOf(lab, web)).join() === `${digest},${digest}`,
        );
        assert.deepEqual(await locks(lab, web), []);
        const history = (await swapctl(['history', web, '--json'], { env: lab.env })).json();
        if (kind === 'bad') assert.equal(history.failures.length, 1);
        const again = await swapctl(['roll', web, ...FAST, '--json'], { env: lab.env });
        assert.equal(again.code, kind === 'bad' ? 1 : 0, again.stderr);
      });

    test('a docker service update in the middle takes the service over, and swapctl says so', async (t) => {
      const lab = await swarmLab(t, manager());
      const { web } = await prepared(lab, 'good');
      const other = await lab.push('3', APP);
      const { code, json, stderr } = await swapctl(['roll', web, ...FAST, '--json'], {
        env: lab.env,
        atLine: async (line) => {
          if (!/0 of 2 tasks run the new image/.test(line)) return;
          const said = await lab.docker(['service', 'update', '--detach', '--image', lab.reference('3'), web]);
          assert.equal(said.code, 0, said.text);
        },
      });
      assert.deepEqual([code, json().error.code], [4, 'busy'], stderr);
      await eventually('the other update ends', async () => (await digestsOf(lab, web)).join() === `${other},${other}`);
      assert.deepEqual(await locks(lab, web), []);
    });

    test('SIGTERM before all tasks run the new image puts the old one back', async (t) => {
      const lab = await swarmLab(t, manager());
      const { web, first } = await prepared(lab, 'good');
      const { code, json, stderr } = await swapctl(['roll', web, ...FAST, '--json'], {
        env: lab.env,
        atLine: async (line, kill) => {
          if (/0 of 2 tasks run the new image/.test(line)) kill('SIGTERM');
        },
      });
      assert.deepEqual([code, json().error.code], [1, 'interrupted'], stderr);
      assert.deepEqual(await digestsOf(lab, web), [first, first]);
    });
  });
}

async function prepared(lab: SwarmLab, kind: 'good' | 'bad'): Promise<{ web: string; first: string; second: string }> {
  const first = await lab.push('1', APP, 'stable');
  const web = await lab.service('web', 'stable', QUICK);
  const second = await lab.push('2', kind === 'good' ? APP : ENDS, 'stable');
  return { web, first, second };
}

async function killedAt(t: TestContext, lab: SwarmLab, web: string, moment: RegExp): Promise<void> {
  const { endedBy, stderr } = await swapctl(['roll', web, ...FAST], {
    env: lab.env,
    atLine: async (line, kill) => {
      if (moment.test(line)) kill('SIGKILL');
    },
  });
  assert.equal(endedBy, 'SIGKILL', stderr);
  t.diagnostic(`locks left: ${(await locks(lab, web)).length}`);
}

async function digestOf({ world }: SwarmLab, service: string): Promise<string> {
  const { Spec } = await world.docker.getService(service).inspect();
  return (Spec as Spec).TaskTemplate.ContainerSpec.Image.split('@')[1] ?? '';
}

async function digestsOf({ world }: SwarmLab, service: string): Promise<string[]> {
  const filters = JSON.stringify({ service: [service], 'desired-state': ['running'] });
  const tasks = (await world.docker.listTasks({ filters } as never)) as unknown as Task[];
  const running = tasks.filter(({ Status }) => Status.State === 'running');
  return running.map((task) => task.Spec.ContainerSpec.Image.split('@')[1] ?? '');
}

async function locks({ world }: SwarmLab, service: string): Promise<unknown[]> {
  const { ID } = await world.docker.getService(service).inspect();
  return world.docker.listConfigs({ filters: JSON.stringify({ name: [`swapctl.lock.${ID}`] }) });
}

interface Spec {
  readonly TaskTemplate: { readonly ContainerSpec: { readonly Image: string } };
}

interface Task {
  readonly Spec: { readonly ContainerSpec: { readonly Image: string } };
  readonly Status: { readonly State: string };
}
