// The rest of test/engine/dev/dev.test.ts: many files, and large ones.
import assert from 'node:assert/strict';
import { readFileSync, truncateSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { inside, program, source, startDev } from '../../engine/dev/dev-world.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld } from '../../lab/world.ts';

test('2,000 files that change during a build make for exactly one more, and Ctrl-C leaves all running', async (t) => {
  const world = testWorld(t);
  // Only the first build sleeps, for longer than a busy machine takes to write the files.
  const { folder, put } = await source(t, world, {}, 'RUN [ -e /srv/src ] || sleep 10');
  await world.container('web', { image: await world.image('web:live', { version: '0' }) });
  const dev = startDev(world, [world.name('web'), '--build', folder, '--no-first-build']);
  await dev.said(/watching/);
  put({ 'main.mjs': program('2') });
  await dev.said(/\|\| sleep 10/);
  const began = performance.now();
  put(Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`src/${at % 50}/${at}.js`, 'x'])));
  t.diagnostic(`2,000 files in ${Math.round(performance.now() - began)} ms`);
  await eventually('both are built', async () => dev.built() === 2);
  put({ 'main.mjs': program('3') });
  await eventually('the next is built', async () => dev.built() >= 3);
  assert.equal(dev.built(), 3);
  const serves = async () => /'3'/.test(await inside(world, world.name('web'), 'cat /srv/main.mjs'));
  await eventually('the last is rolled', () => serves().catch(() => false));

  dev.kill('SIGINT');
  assert.equal((await dev.end).code, 0);
  assert.equal((await world.docker.getContainer(world.name('web')).inspect()).State.Running, true);
  assert.ok(await serves());
});

const LARGE = process.env.SWAPCTL_TEST_LONG === '1' ? 2 ** 30 : 150 * 2 ** 20;

test('memory stays flat, however large the context is', async (t) => {
  const world = testWorld(t);
  const { folder, put } = await source(t, world, { 'large.bin': '' });
  truncateSync(path.join(folder, 'large.bin'), LARGE);
  await world.container('web', { image: await world.image('web:live', { version: '0' }) });
  const dev = startDev(world, [world.name('web'), '--build', folder, '--no-first-build']);
  await dev.said(/watching/);
  put({ 'main.mjs': program('2') });
  await dev.said(/rolled/);
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${dev.pid}/status`, 'utf8'))?.[1]) / 1024;
  t.diagnostic(`a context of ${LARGE / 2 ** 20} MB: ${Math.round(peak)} MB of memory at the most`);
  assert.ok(peak < 150, `${peak} MB`);
});
