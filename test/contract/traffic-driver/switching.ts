// Requests follow the desired state from the moment at which a change has resolved.
import assert from 'node:assert/strict';
import { askMany } from '../../lab/client.ts';
import { assertOnly, assertWanted, type Point, type Stage, server, servers } from './stage.ts';

const REQUESTS = 500;
const WEIGHED = 4000;

async function off(stage: Stage): Promise<void> {
  const { old, next } = stage;
  // Before the candidate exists: the incumbent by its address.
  await stage.apply(server(old, 'ready'));
  assertWanted(stage, await stage.fresh().route('web', stage.signal), servers(server(old, 'ready')));
  await stage.apply(server(old, 'ready'), server(next, 'off'));
  await assertOnly(stage, old, REQUESTS);
  assert.equal(next.requests(), 0);
  const seen = await stage.fresh().route('web', stage.signal);
  assertWanted(stage, seen, servers(server(old, 'ready'), server(next, 'off')));
  stage.figure(`${REQUESTS} requests, none at the server that is off`);
}

async function ready(stage: Stage): Promise<void> {
  const { old, next } = stage;
  await stage.apply(server(old, 'ready'), server(next, 'off'));
  const begun = performance.now();
  await stage.apply(server(next, 'ready'), server(old, 'draining'));
  const tookMs = Math.round(performance.now() - begun);
  const before = old.requests();
  await assertOnly(stage, next, REQUESTS);
  assert.equal(old.requests(), before);
  // Back, as in the undo of a roll.
  await stage.apply(server(old, 'ready'), server(next, 'draining'));
  await assertOnly(stage, old, REQUESTS);
  await stage.baseline();
  await assertOnly(stage, old, REQUESTS);
  assert.deepEqual((await stage.fresh().route('web', stage.signal))?.wanted, { kind: 'baseline' });
  stage.figure(`switched in ${tookMs} ms`);
}

async function weights(stage: Stage): Promise<void> {
  const { old, next, facts } = stage;
  if (!facts.weights) return stage.figure('no weights');
  await stage.apply(server(old, 'ready', 9), server(next, 'off'));
  await stage.apply(server(old, 'ready', 9), server(next, 'ready', 1));
  const names = await askMany(stage.proxy.url('web'), WEIGHED);
  const share = ((names.get(next.name) ?? 0) / WEIGHED) * 100;
  assert.ok(Math.abs(share - 10) <= 2, `${share} %: ${JSON.stringify([...names])}`);
  stage.figure(`${share.toFixed(1)} % of ${WEIGHED}`);
}

async function twice(stage: Stage): Promise<void> {
  const { old, next, proxy } = stage;
  const untouched = await proxy.generation();
  await stage.baseline();
  assert.equal(await proxy.generation(), untouched, 'the baseline that is in force already');
  const states = [server(next, 'ready', 3), server(old, 'draining')];
  await stage.apply(server(old, 'ready'), server(next, 'off'));
  await stage.apply(...states);
  const before = await proxy.generation();
  await stage.apply(...states);
  // Another process finds it in force, too.
  await stage.change(stage.fresh(), 'web', servers(...states));
  assert.equal(await proxy.generation(), before);
  const seen = await stage.fresh().route('web', stage.signal);
  assertWanted(stage, seen, servers(...states));
}

export const SWITCHING: readonly Point[] = [
  { number: 1, name: 'a server that is off gets no request', run: off },
  { number: 2, name: 'after a change no request goes to a server that is not ready', run: ready },
  { number: 6, name: 'weights of 9 and 1 give a tenth of the requests', run: weights },
  { number: 7, name: 'the same state again changes nothing', run: twice },
];
