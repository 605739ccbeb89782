// Updates of containers of a real engine, from a real registry. The engine is shared, so tests always name their services.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { containerNames } from '../compose-app.ts';
import { lab } from './registry-lab.ts';
import { updateRollsPush, versionOf } from './update-world.ts';
import { startWatch } from './watching.ts';

updateRollsPush({});

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

  // Pushed from this very engine, it may for a moment look like a local build; it is the same image.
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
