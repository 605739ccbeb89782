// A forbidden or impossible change leaves everything as it was.
import assert from 'node:assert/strict';
import type { Wanted } from '../../../src/core/proxy/route.ts';
import { assertOnly, type Point, type Stage, server, servers } from './stage.ts';

const BAD_ROUTES = ['we"b', "we'b", 'web\napi', 'web; quit', '../web', '', 'web/x', 'we{b}'];
const BAD_ADDRESSES = ['127.0.0.1:65536', '127.0.0.1:0', '::1:80', '127.0.0.1', 'web:80;', '127.0.0.1:80 weight=2', ''];
const BAD_ROLLS = ['r"1', 'r\n1', 'r 1', ''];
const BAD_WEIGHTS = [0, 257, 1.5, Number.NaN];

async function hostile(stage: Stage): Promise<void> {
  const { old } = stage;
  const ready = server(old, 'ready');
  const asked: [string, Wanted][] = [
    ...BAD_ROUTES.map((route): [string, Wanted] => [route, servers(ready)]),
    ...BAD_ADDRESSES.map((address): [string, Wanted] => ['web', servers(ready, { ...ready, address })]),
    ...BAD_ROLLS.map((roll): [string, Wanted] => ['web', { kind: 'servers', roll, servers: [ready] }]),
    ...BAD_WEIGHTS.map((weight): [string, Wanted] => ['web', servers({ ...ready, weight })]),
  ];
  const before = await seen(stage);
  for (const [route, wanted] of asked)
    await assert.rejects(
      stage.change(stage.fresh(), route, wanted),
      { name: 'SwapError', code: 'proxy-refused' },
      JSON.stringify([route, wanted]),
    );
  for (const route of BAD_ROUTES) assert.equal(await stage.fresh().route(route, stage.signal), undefined);
  assert.equal(await stage.fresh().route('nowhere', stage.signal), undefined);
  await assert.rejects(stage.change(stage.fresh(), 'nowhere', servers(ready)), { code: 'proxy-config' });
  assert.deepEqual(await seen(stage), before);
  await assertOnly(stage, old, 20);
  stage.figure(`${asked.length} refused`);
}

async function seen({ proxy }: Stage): Promise<unknown> {
  return { files: await proxy.files(), generation: await proxy.generation() };
}

async function spoiled(stage: Stage): Promise<void> {
  const { old, proxy } = stage;
  await proxy.spoil();
  const before = await seen(stage);
  await assert.rejects(stage.fresh().facts(stage.signal), { name: 'SwapError', code: 'proxy-config' });
  assert.deepEqual(await seen(stage), before);
  await assertOnly(stage, old, 20);
  await proxy.repair();
  assert.equal((await stage.fresh().facts(stage.signal)).version, stage.facts.version);
}

async function refused(stage: Stage): Promise<void> {
  const { old, next, proxy } = stage;
  await stage.apply(server(old, 'ready'), server(next, 'off'));
  const { wanted = servers(server(next, 'ready'), server(old, 'draining')), words } = await proxy.refuse();
  const before = await proxy.files();
  const route = await stage.fresh().route('web', stage.signal);
  await assert.rejects(stage.change(stage.fresh(), 'web', wanted), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'proxy-refused');
    assert.match(error.message, words);
    stage.figure(`"${error.message}"`);
    return true;
  });
  assert.deepEqual(await proxy.files(), before);
  assert.deepEqual((await stage.fresh().route('web', stage.signal))?.wanted, route?.wanted);
  await assertOnly(stage, old, 100);
}

async function away(stage: Stage): Promise<void> {
  const { proxy, old, signal } = stage;
  await proxy.stop();
  const driver = stage.fresh();
  const unreachable = { name: 'SwapError', code: 'proxy-unreachable' };
  await assert.rejects(driver.facts(signal), unreachable);
  await assert.rejects(driver.route('web', signal), unreachable);
  await assert.rejects(driver.apply('web', servers(server(old, 'ready')), signal), unreachable);
  await proxy.restart();
  assert.deepEqual((await driver.route('web', signal))?.wanted, { kind: 'baseline' });
}

export const REFUSALS: readonly Point[] = [
  { number: 8, name: 'names and addresses that are none are refused before anything is written', run: hostile },
  { number: 9, name: 'a configuration that is broken already is reported, and nothing is written', run: spoiled },
  { number: 10, name: 'a change that the proxy refuses leaves traffic and files as before', run: refused },
  { number: 15, name: 'a proxy that is away is out of reach', run: away },
];
