// Updates of containers of a real engine, from a real registry. The engine is shared: services are always named.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { createApp } from '../../src/app.ts';
import type { ServiceUpdate } from '../../src/core/update.ts';
import type { Ports } from '../../src/ports.ts';
import { swapctl } from '../lab/cli.ts';
import type { RegistryOptions } from '../lab/registry.ts';
import { containerNames, openApp, quickly } from './compose-app.ts';
import { type Lab, lab, QUICK_APP } from './registry-lab.ts';
import { startWatch } from './watching.ts';

/** Service and outcome of each line. */
function outcomes(lines: readonly ServiceUpdate[]): Record<string, string> {
  return Object.fromEntries(lines.map(({ service, outcome }) => [service, outcome]));
}

/** The version of the app that a container runs; there is no other container of that name's. */
async function versionOf({ world }: Lab, name: string): Promise<string | undefined> {
  const names = await containerNames(world);
  assert.deepEqual(
    names.filter((one) => one === name || (one.startsWith(`${name}.`) && !one.includes('-failed-'))),
    [name],
  );
  const { State, Config } = await world.docker.getContainer(name).inspect();
  assert.ok(State.Running, `${name} runs`);
  return Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length);
}

for (const options of [{}, { login: 'token' }] as RegistryOptions[])
  test(`update rolls what was pushed, and then only asks by HEAD: ${JSON.stringify(options)}`, async (t) => {
    const own = await lab(t, options);
    const { env, push, start, asked } = own;
    await push('1', 'stable');
    const [web, worker] = [await start('web', 'stable'), await start('worker', 'stable')];
    const update = (...args: string[]) => swapctl(['update', web, worker, ...args], { env });
    const second = await push('2', 'stable');

    const dry = await update('--dry-run', '--json');
    assert.equal(dry.code, 0, dry.stdout + dry.stderr);
    assert.deepEqual(outcomes(dry.json().services), { [web]: 'available', [worker]: 'available' });
    assert.equal(await versionOf(own, web), '1');

    const first = await update('--json');
    assert.equal(first.code, 0, first.stdout + first.stderr);
    assert.deepEqual(outcomes(first.json().services), { [web]: 'updated', [worker]: 'updated' });
    for (const { to, report } of first.json().services) {
      assert.equal(to.digest, second);
      assert.equal(report.to.digest, second);
    }
    assert.deepEqual([await versionOf(own, web), await versionOf(own, worker)], ['2', '2']);

    const questions = await asked(async () => {
      const { code, stdout } = await update();
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^SERVICE +OUTCOME +FROM +TO +WHY$/m);
      assert.match(stdout, new RegExp(`^${web} +current `, 'm'));
    });
    const heads = options.login ? 2 : 1;
    assert.deepEqual(questions, Array(heads).fill('HEAD /v2/team/app/manifests/stable'));
  });

test('a bad image fails once, is held then, and keeps back what depends on it', async (t) => {
  const own = await lab(t);
  const { world, registry, env, push, start } = own;
  await push('1', 'stable');
  await push('1', 'web');
  const db = await start('db', 'stable');
  const web = await start('web', 'web', { 'swapctl.depends-on': world.name('db'), 'swapctl.backoff': 'off' });
  const update = () => swapctl(['update', web, db, '--json', '--health-timeout', '5s'], { env });
  const broken = await world.image('app:broken', { ...QUICK_APP, cmd: ['false'] });
  await registry.push(world.docker, broken, 'team/app:stable');
  await push('2', 'web');

  const first = await update();
  assert.equal(first.code, 1, first.stdout + first.stderr);
  assert.deepEqual(outcomes(first.json().services), { [db]: 'failed', [web]: 'waiting' });
  assert.match(first.stdout, /it depends on \S+, whose roll failed/);

  const next = await update();
  assert.equal(next.code, 0, next.stdout + next.stderr);
  assert.deepEqual(outcomes(next.json().services), { [db]: 'held', [web]: 'waiting' });
  assert.deepEqual([await versionOf(own, db), await versionOf(own, web)], ['1', '1']);

  // What is good ends the hold, and the dependency comes first; but it was left alone for a while after the failure.
  await push('3', 'stable');
  const soon = await update();
  const waiting = soon.json().services.find(({ service }: ServiceUpdate) => service === db);
  assert.match(waiting.because, /its last roll failed, and backoff waits/);
  assert.ok(Date.parse(waiting.until) > Date.now());
});

test('dependencies are rolled first', async (t) => {
  const own = await lab(t);
  const { world, env, push, start } = own;
  await push('1', 'stable');
  const web = await start('a-web', 'stable', { 'swapctl.depends-on': world.name('b-db') });
  const db = await start('b-db', 'stable');
  await push('2', 'stable');
  const { code, stdout, stderr } = await swapctl(['update', web, db], { env });
  assert.equal(code, 0, stdout + stderr);
  const began = [...stderr.matchAll(/^==> (\S+): create /gm)].map(([, slot]) => slot);
  assert.deepEqual(began, [db, web]);
  assert.deepEqual([await versionOf(own, web), await versionOf(own, db)], ['2', '2']);
});

test('two updates at once roll every service once', async (t) => {
  const own = await lab(t);
  const { env, push, start } = own;
  await push('1', 'stable');
  const names = await Promise.all(['a', 'b', 'c'].map((suffix) => start(suffix, 'stable')));
  const digest = await push('2', 'stable');
  const runs = await Promise.all([1, 2].map(() => swapctl(['update', ...names, '--json'], { env })));
  const lines: ServiceUpdate[] = runs.flatMap((run) => {
    assert.ok([0, 4].includes(run.code), run.stdout + run.stderr);
    return run.json().services;
  });
  for (const name of names) {
    const mine = lines.filter(({ service }) => service === name);
    const ends = mine.map(({ outcome, error }) => error?.code ?? outcome).sort();
    t.diagnostic(`${name}: ${ends.join(', ')}`);
    assert.equal(ends.filter((end) => end === 'updated').length, 1, JSON.stringify(mine));
    assert.ok(
      ends.some((end) => end === 'busy' || end === 'current'),
      JSON.stringify(mine),
    );
    assert.equal(await versionOf(own, name), '2');
    const { Config } = await own.world.docker.getContainer(name).inspect();
    assert.equal(Config.Labels['swapctl.state.digest'], digest);
  }
});

/** An application of which the registry is asked through `ask`: to let something happen after a check. */
async function appThat(own: Lab, meanwhile: () => Promise<unknown>) {
  const { app: other, ports, close } = await openApp(own.world);
  own.world.after(async () => close());
  const image: Ports['registry']['image'] = async (...asked) => {
    const found = await ports.registry.image(...asked);
    await meanwhile();
    return found;
  };
  return { other, app: createApp({ ...ports, registry: { ...ports.registry, image } }) };
}

test('a push after the check is not rolled by it', async (t) => {
  const own = await lab(t);
  await own.push('1', 'stable');
  const web = await own.start('web', 'stable');
  const second = await own.push('2', 'stable');
  const { app } = await appThat(own, () => own.push('3', 'stable'));
  const [line] = (await app.update([web], quickly())).services;
  assert.equal(line?.outcome, 'updated', JSON.stringify(line));
  assert.equal(line?.report?.to?.digest, second);
  assert.equal(await versionOf(own, web), '2');
});

test('what somebody else rolled to something newer after the check stays there', async (t) => {
  const own = await lab(t);
  await own.push('1', 'stable');
  const web = await own.start('web', 'stable');
  await own.push('2', 'stable');
  const { app, other } = await appThat(own, async () => {
    await own.push('3', 'stable');
    const [report] = await other.roll([web], quickly());
    assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  });
  const [line] = (await app.update([web], quickly())).services;
  assert.deepEqual([line?.outcome, line?.error?.code], ['waiting', 'busy']);
  assert.equal(await versionOf(own, web), '3');
});

test('what an update that was killed left half done, the next one makes good', async (t) => {
  const own = await lab(t);
  const { env, push, start } = own;
  await push('1', 'stable');
  const web = await start('web', 'stable');
  await push('2', 'stable');
  const onStderr = (text: string, kill: (signal: NodeJS.Signals) => void): void => {
    if (text.includes(`rename ${web} to`)) kill('SIGKILL');
  };
  const killed = await swapctl(['update', web], { env, onStderr });
  assert.equal(killed.endedBy, 'SIGKILL', killed.stderr);
  assert.ok((await containerNames(own.world)).length > 1, 'something is left');
  const { code, stdout, stderr } = await swapctl(['update', web, '--json'], { env });
  assert.equal(code, 0, stdout + stderr);
  assert.equal(await versionOf(own, web), '2');
});

// ---- watch

test('watch rolls what is pushed, takes in what appears, obeys signals, and ends', async (t) => {
  const own = await lab(t);
  const { world, push, start } = own;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-watch-'));
  world.after(async () => rmSync(folder, { recursive: true }));
  const config = path.join(folder, 'swapctl.yml');
  const write = (text: string): void => writeFileSync(config, own.settings + text);
  write('defaults:\n  settle: 300ms\n');
  for (const tag of ['often', 'never', 'late']) await push('1', tag);
  const often = await start('often', 'often', { 'swapctl.schedule': 'every 10s' });
  const never = await start('never', 'never', { 'swapctl.schedule': '0 0 29 2 *' });
  const watch = startWatch(world, ['--config', config, often, never, world.name('late')], own.env);
  await watch.said(/^watching 2 services/);

  // Pushed from this very engine, it may be seen as one that was built here, for a moment; it is the same image.
  await push('2', 'often');
  await watch.said(new RegExp(`^${often}: updated`));
  assert.equal(await versionOf(own, often), '2');

  await start('late', 'late', { 'swapctl.schedule': '0 0 29 2 *' });
  await watch.said(/^watching 3 services/);

  await push('2', 'never');
  watch.kill('SIGUSR1');
  await watch.said(new RegExp(`^${never}: updated`));

  write('defaults:\n  settel: 1s\n');
  watch.kill('SIGHUP');
  assert.equal((await watch.said(/what was read before stays$/)).level, 'error');
  write(`services:\n  ${never}:\n    monitor-only: true\n`);
  watch.kill('SIGHUP');
  await watch.said(/^swapctl.yml was read again$/);
  await push('3', 'never');
  watch.kill('SIGUSR1');
  await watch.said(new RegExp(`^${never}: available .*monitor-only`));
  assert.equal(await versionOf(own, never), '2');

  watch.kill('SIGTERM');
  const { code, stdout, stderr } = await watch.end;
  assert.equal(code, 0, stdout + stderr);
  assert.equal(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '').msg, 'ended');
});

test('a watch that was killed in the middle of a roll makes it good when it starts again', async (t) => {
  const own = await lab(t);
  const { push, start } = own;
  await push('1', 'stable');
  const web = await start('web', 'stable', { 'swapctl.schedule': '0 0 29 2 *' });
  await push('2', 'stable');
  const first = startWatch(own.world, ['--verbose', web], own.env);
  await first.said(/^watching 1 service/);
  first.kill('SIGUSR1');
  await first.said(new RegExp(`rename ${web} to`));
  first.kill('SIGKILL');
  assert.equal((await first.end).endedBy, 'SIGKILL');
  assert.ok((await containerNames(own.world)).length > 1, 'something is left');
  const second = startWatch(own.world, [web], own.env);
  const { msg } = await second.said(/an earlier roll was left half done; it was/);
  assert.equal(await versionOf(own, web), /finished$/.test(String(msg)) ? '2' : '1');
});

test('watch brings a roll to its safe end before it ends', async (t) => {
  const own = await lab(t);
  const { world, push, start } = own;
  await push('1', 'stable');
  const web = await start('web', 'stable', { 'swapctl.schedule': 'every 10s' });
  const watch = startWatch(own.world, ['--verbose', web], own.env);
  await watch.said(/^watching 1 service/);
  await push('2', 'stable');
  await watch.said(/rename \S+ to \S+\.swapctl-old/);
  watch.kill('SIGTERM');
  const { code, stdout, stderr } = await watch.end;
  assert.equal(code, 0, stdout + stderr);
  assert.ok(['1', '2'].includes((await versionOf(own, web)) ?? ''));
  assert.deepEqual(
    (await containerNames(world)).filter((name) => name.endsWith('-lock')),
    [],
  );
});
