// Changes under load, and the requests in progress during them.
import assert from 'node:assert/strict';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObservedServer } from '../../../src/core/proxy/route.ts';
import type { Backend } from '../../lab/backend.ts';
import { askOnce, beginSlow, beginUpload, openStream } from '../../lab/client.ts';
import { type LoadReport, startLoad } from '../../lab/load.ts';
import { eventually } from '../../lab/waiting.ts';
import { type Point, type Stage, server } from './stage.ts';

const APPLIES = 50;
// Leaves time for requests between two changes, even if a change takes no time.
const LEAST_BETWEEN_MS = 100;
const RATE = 200;
const KINDS = [
  { name: 'kept GET', keepAlive: true, method: 'GET' },
  { name: 'kept POST', keepAlive: true, method: 'POST' },
  { name: 'new GET', keepAlive: false, method: 'GET' },
  { name: 'new POST', keepAlive: false, method: 'POST' },
] as const;

async function load(stage: Stage): Promise<void> {
  const { old, next, proxy, facts } = stage;
  const isGood = (status: number): boolean => status === 200;
  const loads = KINDS.map((kind) =>
    startLoad({ ...kind, url: proxy.url('web'), ratePerSecond: RATE / KINDS.length, isGood }),
  );
  try {
    await Promise.all(loads.map((one) => one.until(10)));
    await switchOften(stage, old, next);
  } finally {
    const ends = await Promise.all(loads.map((one) => one.stop()));
    const all = KINDS.map(({ name, keepAlive }, at) => ({ name, keepAlive, ...(ends[at] as LoadReport) }));
    const sum = (of: (one: LoadReport) => number): number => all.reduce((total, one) => total + of(one), 0);
    const longest = Math.max(...all.map((one) => one.longestGapMs));
    stage.figure(`${APPLIES} changes, ${sum((one) => one.requests)} requests, longest gap ${longest} ms`);
    for (const { name, failed, failures } of all.filter((one) => one.failed > 0))
      stage.figure(`${name}: ${failed} failed (${[...new Set(failures.map(({ error }) => error))].join('; ')})`);
    // A proxy that closes idle connections may cut requests on their way: that is measured.
    if (!facts.keepsIdleClients) stage.figure('kept connections measured only');
    const lost = all.filter(({ keepAlive }) => facts.keepsIdleClients || !keepAlive);
    assert.deepEqual(
      lost.flatMap(({ name, failures }) => failures.map((failure) => ({ name, ...failure }))),
      [],
    );
  }
}

async function switchOften(stage: Stage, first: Backend, second: Backend): Promise<void> {
  let [from, to] = [first, second];
  for (let applies = 0; applies < APPLIES; applies += 2) {
    await stage.apply(server(from, 'ready'), server(to, 'off'));
    await sleep(LEAST_BETWEEN_MS);
    await stage.apply(server(to, 'ready'), server(from, 'draining'));
    await sleep(LEAST_BETWEEN_MS);
    [from, to] = [to, from];
  }
}

const IDLE = 20;

async function underWay(stage: Stage): Promise<void> {
  const { old, next, proxy, facts } = stage;
  const url = proxy.url('web');
  await stage.apply(server(old, 'ready'), server(next, 'off'));
  const agent = new http.Agent({ keepAlive: true, maxSockets: IDLE });
  await Promise.all(Array.from({ length: IDLE * 5 }, () => askOnce(url, agent)));
  const [slow, upload, begun] = [beginSlow(url), beginUpload(url), old.requests()];
  await eventually('both are under way', async () => old.waiting() === 1 && old.requests() > begun);
  await stage.apply(server(next, 'ready'), server(old, 'draining'));
  if (facts.countsInFlight) assert.equal((await drained(stage)).inFlight, 2);
  assert.equal((await askOnce(url)).body, next.name);
  const sent = await upload.finish();
  assert.deepEqual([sent.status, sent.body], [200, String(upload.size)]);
  if (facts.countsInFlight) await eventually('one is left', async () => (await drained(stage)).inFlight === 1);
  old.release();
  const { status, body } = await slow.answer;
  assert.deepEqual([status, body], [200, 'old begins\nold ends\n']);
  if (!facts.countsInFlight) stage.figure('not counted by the proxy');
  else {
    await eventually('none is left', async () => (await drained(stage)).inFlight === 0);
    const { idle } = await drained(stage);
    stage.figure(`2 in flight, then 0 with ${idle ?? 'an unknown number of'} idle connections`);
  }
  agent.destroy();
}

async function drained({ fresh, old, signal }: Stage): Promise<ObservedServer> {
  const route = await fresh().route('web', signal);
  const found = route?.servers.find(({ address }) => address === old.address);
  return found ?? assert.fail(`${old.address} is not among ${JSON.stringify(route)}`);
}

const STREAM_APPLIES = 20;

async function streams(stage: Stage): Promise<void> {
  const { old, next, proxy, facts } = stage;
  const [own, other] = [await openStream(proxy.url('web')), await openStream(proxy.url('api'))];
  assert.ok((await own.echoes('first')) && (await other.echoes('first')));
  await stage.apply(server(old, 'ready'), server(next, 'off'));
  await stage.apply(server(next, 'ready'), server(old, 'draining'));
  const lives = await own.echoes('second');
  stage.figure(`on the drained server: ${lives ? 'lives' : 'ended'}`);
  assert.equal(lives, facts.keepsStreams);
  let [from, to] = [next, old];
  let applies = 0;
  while (applies < STREAM_APPLIES && (await other.echoes(`echo ${applies}.`))) {
    await stage.apply(server(to, 'ready'), server(from, 'draining'));
    [from, to] = [to, from];
    applies += 1;
  }
  stage.figure(`on another route: ${applies === STREAM_APPLIES ? 'lives after' : 'ended within'} ${applies} changes`);
  own.close();
  other.close();
  if (facts.keepsStreams) assert.equal(applies, STREAM_APPLIES);
}

export const UNDER_LOAD: readonly Point[] = [
  { number: 3, name: 'under load no request fails', run: load },
  { number: 4, name: 'requests under way end, and are counted', run: underWay },
  { number: 5, name: 'streams live as the facts say', run: streams },
];
