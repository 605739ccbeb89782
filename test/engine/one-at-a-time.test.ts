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
    await eventually(`${options.service} reaches ${kind}`, async () => steps.includes(kind), PATIENCE_MS);
  };
  return { reached, ended };
}

const PATIENCE_MS = 60_000;
// With a start period: many start at once here, and a slow start shall not count as a failure.
const HEALTH = { health: { intervalMs: 300, startPeriodMs: 20_000 } };

/** A running container that a newer image is there for. */
async function outdated(world: World, suffix: string, way: Way = 'start-first') {
  const reference = world.name(`${suffix}:dev`);
  await retag(world, await world.image('app:1', HEALTH), reference);
  const ports = way === 'start-first' ? [] : [{ host: await freePort() }];
  const create = { HostConfig: { RestartPolicy: { Name: 'always' } } };
  const labels = { 'swapctl.strategy': way, 'swapctl.settle': '300ms', 'swapctl.drain.timeout': '1s' };
  const container = await world.container(suffix, { image: reference, ports, labels, create });
  await untilHealthy(container, PATIENCE_MS);
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
  await untilHealthy(container, PATIENCE_MS);
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

type Way = 'start-first' | 'stop-first' | 'handover';

// Those in the first line of each are tried always, the others only in a long run.
const MOMENTS: Record<Way, string[][]> = {
  'start-first': [
    ['create#1', 'start#1', 'rename#1', 'stop#1'],
    ['await-healthy#1', 'rename#2', 'settle#1', 'hold-restart#1', 'drain#1', 'remove#1'],
  ],
  'stop-first': [
    ['create#1', 'rename#1', 'stop#1', 'start#2'],
    ['create-rehearsal#1', 'start#1', 'pass-rehearsal#1', 'hold-restart#1', 'rename#2', 'settle#1'],
  ],
  handover: [
    ['create#1', 'cover#1', 'stop#1', 'start#2'],
    ['create-stand-in#1', 'start#1', 'settle#1', 'drain#1', 'cover#2', 'rename#2', 'await-healthy#2', 'uncover#1'],
  ],
};

const AT_ONCE = 4;

/** Rolls that were killed, each of a container of its own at a moment of its own; resolves with the names. */
async function killedRolls(world: World): Promise<string[]> {
  const names: string[] = [];
  const begin = async (way: Way, moment: string) => {
    const name = await outdated(world, `${way}-${moment.replace('#', '-')}`, way);
    names.push(name);
    // Long enough to be waited for as a step of its own.
    const overrides = { settle: moment.startsWith('settle') ? '10s' : '1s' };
    const { signal, steps, stderr } = await rollProcess(world, { service: name, killAfter: moment, overrides }).ended;
    assert.equal(signal, 'SIGKILL', `${name}: ${steps.join()} ${stderr}`);
  };
  const ways: Way[] = ['start-first', 'stop-first', ...(canHandOver(world) ? (['handover'] as const) : [])];
  const lines = process.env.SWAPCTL_TEST_LONG === '1' ? 2 : 1;
  const all = ways.flatMap((way) =>
    MOMENTS[way]
      .slice(0, lines)
      .flat()
      .map((moment) => ({ way, moment })),
  );
  while (all.length > 0) await Promise.all(all.splice(0, AT_ONCE).map(({ way, moment }) => begin(way, moment)));
  return names;
}

/** Ports are handed over by rules in the engine's own network namespace, which has to be this one. */
function canHandOver(world: World): boolean {
  return world.address === '127.0.0.1';
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

test('those in the network of one whose roll was killed end in the network of the one that is left', async (t) => {
  const world = testWorld(t);
  // The first roll dies before they are moved, the others while they are: their steps come after the rolled one's own.
  const moments = ['rename#2', 'create#2', 'rename#3', 'stop#1', 'start#2'];
  const pairs = await Promise.all(
    moments.map(async (moment, at) => {
      const [web, mate] = [await outdated(world, `web-${at}`), world.name(`mate-${at}`)];
      const create = { HostConfig: { NetworkMode: `container:${web}`, RestartPolicy: { Name: 'always' } } };
      const image = await world.image('mate:1', HEALTH);
      const labels = { 'swapctl.settle': '300ms' };
      await world.container(`mate-${at}`, { image, env: { PORT: 8081 }, labels, create });
      const { signal, steps, stderr } = await rollProcess(world, { service: web, killAfter: moment }).ended;
      assert.equal(signal, 'SIGKILL', `${moment}: ${steps.join()} ${stderr}`);
      return { web, mate, moment };
    }),
  );
  const app = await appOf(world);
  const rolled = pairs.splice(0, 2);
  for (const { web } of rolled) {
    const [report] = await app.roll([web], quickly());
    assert.notEqual(report?.outcome, 'failed', JSON.stringify(report));
  }
  await app.recover(new AbortController().signal);
  for (const { web, mate, moment } of [...rolled, ...pairs]) {
    const version = await assertOneIsLeft(world, web);
    await assertOneIsLeft(world, mate);
    t.diagnostic(`killed after ${moment}: version ${version}`);
    const [owner, tenant] = await Promise.all([web, mate].map((name) => world.docker.getContainer(name).inspect()));
    assert.equal(tenant?.HostConfig.NetworkMode, `container:${owner?.Id}`, moment);
  }
});
