// The rest of test/engine/update/update.test.ts: logins, dependencies, bad images, two at once, pushes during an update.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createApp } from '../../../src/app/app.ts';
import type { ServiceUpdate } from '../../../src/core/update/update.ts';
import type { Ports } from '../../../src/ports/ports.ts';
import { containerNames, openApp, quickly } from '../../engine/compose-app.ts';
import { type Lab, lab, QUICK_APP } from '../../engine/update/registry-lab.ts';
import { outcomes, updateRollsPush, versionOf } from '../../engine/update/update-world.ts';
import { startWatch } from '../../engine/update/watching.ts';
import { swapctl } from '../../lab/cli.ts';

updateRollsPush({ login: 'token' });

test('dependencies are rolled first', async (t) => {
  const own = await lab(t);
  const { world, env, push, start } = own;
  await push('1', 'stable');
  const web = await start('a-web', 'stable', { 'swapctl.depends-on': world.name('b-db') });
  const db = await start('b-db', 'stable');
  await push('2', 'stable');
  const { code, stdout, stderr } = await swapctl(['update', web, db, '--verbose'], { env });
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

/** An application whose registry requests go through `ask`, to act after a check. */
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

// ---- watch

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
  const { msg } = await second.said(/an earlier roll was interrupted; it was/);
  assert.equal(await versionOf(own, web), /finished$/.test(String(msg)) ? '2' : '1');
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

  // A good image ends the hold, and the dependency comes first; but it was left alone for a while after the failure.
  await push('3', 'stable');
  const soon = await update();
  const waiting = soon.json().services.find(({ service }: ServiceUpdate) => service === db);
  assert.match(waiting.because, /its last roll failed, and backoff waits/);
  assert.ok(Date.parse(waiting.until) > Date.now());
});
