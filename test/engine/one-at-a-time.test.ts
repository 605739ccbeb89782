// One roll of a service at a time, whoever begins it, and none that dies leaves more than one container behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ServiceReport } from '../../src/core/report.ts';
import { baseImage } from '../lab/images.ts';
import { freePort } from '../lab/port.ts';
import { eventually, testWorld, untilHealthy, type World } from '../lab/world.ts';
import { containerNames, openApp, quickly, retag } from './compose-app.ts';

const PROCESS = fileURLToPath(new URL('roll-process.ts', import.meta.url));

interface RollProcess {
  /** Settles with the first step of this kind that is done. */
  reached(kind: string): Promise<void>;
  /** The report; undefined if it was killed. */
  ended: Promise<{ report: ServiceReport | undefined; signal: string | null; steps: string[]; stderr: string }>;
}

/** Rolls a service in a process of its own. */
function rollProcess(world: World, options: { service: string; killAfter?: string; overrides?: object }): RollProcess {
  const argument = JSON.stringify({ dockerHost: world.dockerHost, ...options });
  const child = spawn(process.execPath, ['--import', 'tsx', PROCESS, argument], { stdio: ['ignore', 'pipe', 'pipe'] });
  const steps: string[] = [];
  let [rest, stderr] = ['', ''];
  let report: ServiceReport | undefined;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const told = JSON.parse(line);
      if (told.done) steps.push(told.done);
      report = told.report ?? report;
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<Awaited<RollProcess['ended']>>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (_status, signal) => resolve({ report, signal, steps, stderr }));
  });
  const reached = async (kind: string) => {
    await eventually(`${options.service} reaches ${kind}`, async () => steps.includes(kind));
  };
  return { reached, ended };
}

// With a start period: many start at once here, and a slow start shall not count as a failure.
const HEALTH = { health: { intervalMs: 300, startPeriodMs: 20_000 } };

/** A running container that a newer image is there for. */
async function outdated(world: World, suffix: string, way: 'start-first' | 'stop-first' = 'start-first') {
  const reference = world.name(`${suffix}:dev`);
  await retag(world, await world.image('app:1', HEALTH), reference);
  const ports = way === 'stop-first' ? [{ host: await freePort() }] : [];
  const create = { HostConfig: { RestartPolicy: { Name: 'always' } } };
  const labels = { 'swapctl.settle': '300ms', 'swapctl.drain.timeout': '1s' };
  const container = await world.container(suffix, { image: reference, ports, labels, create });
  await untilHealthy(container);
  await retag(world, await world.image('app:2', HEALTH), reference);
  return world.name(suffix);
}

/** Exactly one container is left of a service, under its own name, as it should be. Resolves with its version. */
async function assertOneIsLeft(world: World, name: string): Promise<string | undefined> {
  const names = (await containerNames(world)).filter((one) => one.startsWith(`${name}.`) || one === name);
  assert.deepEqual(names, [name]);
  const container = world.docker.getContainer(name);
  const { State, HostConfig, Config } = await container.inspect();
  assert.equal(State.Running, true, `${name} runs`);
  await untilHealthy(container);
  assert.equal(HostConfig.RestartPolicy?.Name, 'always');
  return Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length);
}

async function appOf(world: World) {
  const { app, close } = await openApp(world);
  world.after(async () => close());
  return app;
}

test('of two rolls at once one wins, and the other is busy and harms nothing', async (t) => {
  const world = testWorld(t);
  const name = await outdated(world, 'web');
  const first = rollProcess(world, { service: name });
  const second = rollProcess(world, { service: name });
  const ends = await Promise.all([first.ended, second.ended]);
  const outcomes = ends.map(({ report, stderr }) => report?.error?.code ?? report?.outcome ?? stderr);
  assert.deepEqual(outcomes.sort(), ['busy', 'rolled']);
  assert.equal(await assertOneIsLeft(world, name), '2');
});

test('a roll in the middle keeps a second one away, and recover as well', async (t) => {
  const world = testWorld(t);
  const name = await outdated(world, 'web');
  const app = await appOf(world);
  const first = rollProcess(world, { service: name, overrides: { settle: '3s' } });
  await first.reached('rename');
  const [report] = await app.roll([name], quickly());
  assert.equal(report?.error?.code, 'busy', JSON.stringify(report));
  const items = await app.recover(new AbortController().signal);
  assert.deepEqual(
    items.filter(({ service }) => service === name).map(({ outcome }) => outcome),
    ['busy'],
  );
  assert.equal((await first.ended).report?.outcome, 'rolled');
  assert.equal(await assertOneIsLeft(world, name), '2');
});

/** The lock of a service, held by a process of another machine. Resolves with a way to beat. */
async function foreignLock(world: World, service: string): Promise<() => Promise<unknown>> {
  const state = {
    version: '1',
    role: 'lock',
    service,
    slot: service,
    holder: 'elsewhere 0000-boot pid:[1] 4711 12345',
  };
  const labels = Object.entries(state).map(([key, value]) => [`swapctl.state.${key}`, value]);
  const lock = await world.docker.createContainer({
    name: `${service}.swapctl-lock`,
    Image: await baseImage(world.docker),
    Labels: { ...world.labels, ...Object.fromEntries(labels) },
  });
  let beats = 0;
  return () => lock.update({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: ++beats } });
}

test('the lock of another machine holds as long as it beats', async (t) => {
  const world = testWorld(t);
  const [alive, dead] = await Promise.all([outdated(world, 'alive'), outdated(world, 'dead')]);
  const beat = await foreignLock(world, alive);
  await foreignLock(world, dead);
  const beating = setInterval(() => void beat(), 1000);
  world.after(async () => clearInterval(beating));
  const app = await appOf(world);
  const reports = await Promise.all([alive, dead].map((name) => app.roll([name], quickly())));
  assert.deepEqual(
    reports.flat().map(({ outcome, error }) => error?.code ?? outcome),
    ['busy', 'rolled'],
  );
  assert.equal(await assertOneIsLeft(world, dead), '2');
});

// ---- killed

const MOMENTS = {
  'start-first': [
    'create#1',
    'start#1',
    'await-healthy#1',
    'rename#1',
    'rename#2',
    'settle#1',
    'hold-restart#1',
    'drain#1',
    'stop#1',
    'remove#1',
  ],
  'stop-first': [
    'create-rehearsal#1',
    'start#1',
    'pass-rehearsal#1',
    'create#1',
    'hold-restart#1',
    'rename#1',
    'rename#2',
    'stop#1',
    'start#2',
    'settle#1',
  ],
} as const;

const AT_ONCE = 4;

/** Rolls that were killed, each of a container of its own at a moment of its own; resolves with the names. */
async function killedRolls(world: World): Promise<string[]> {
  const names: string[] = [];
  const begin = async (way: keyof typeof MOMENTS, moment: string) => {
    const name = await outdated(world, `${way}-${moment.replace('#', '-')}`, way);
    names.push(name);
    const { signal, steps, stderr } = await rollProcess(world, {
      service: name,
      killAfter: moment,
      // Long enough to be waited for as a step of its own.
      overrides: { settle: '2s' },
    }).ended;
    assert.equal(signal, 'SIGKILL', `${name}: ${steps.join()} ${stderr}`);
  };
  const all = (['start-first', 'stop-first'] as const).flatMap((way) =>
    MOMENTS[way].map((moment) => ({ way, moment })),
  );
  while (all.length > 0) await Promise.all(all.splice(0, AT_ONCE).map(({ way, moment }) => begin(way, moment)));
  return names;
}

test('recover finishes or undoes rolls that were killed at any moment', async (t) => {
  const world = testWorld(t);
  const names = await killedRolls(world);
  const app = await appOf(world);
  const items = await app.recover(new AbortController().signal);
  for (const name of names) {
    const version = await assertOneIsLeft(world, name);
    const told = items.filter(({ slot }) => slot === name).map(({ outcome }) => outcome);
    t.diagnostic(`${name.slice(world.prefix.length + 1)}: ${told.join() || '-'}, version ${version}`);
    if (told.includes('finished')) assert.equal(version, '2', name);
    if (told.includes('undone')) assert.equal(version, '1', name);
    assert.ok(!told.includes('failed'), name);
  }
});

test('the next roll makes good rolls that were killed at any moment', async (t) => {
  const world = testWorld(t);
  const names = await killedRolls(world);
  const app = await appOf(world);
  for (const name of names) {
    const [report] = await app.roll([name], quickly());
    assert.notEqual(report?.outcome, 'failed', JSON.stringify(report));
    assert.equal(await assertOneIsLeft(world, name), '2');
  }
});
