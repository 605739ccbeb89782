// Restarts, kills, and several rolls at once: the next change converges.
import assert from 'node:assert/strict';
import type { Wanted } from '../../../src/core/proxy/route.ts';
import type { ProxyAccess } from '../../../src/ports/proxy-access.ts';
import type { Backend } from '../../lab/backend.ts';
import { askMany } from '../../lab/client.ts';
import { startLoad } from '../../lab/load.ts';
import { assertOnly, assertWanted, type Point, ROLL, type Stage, server, servers } from './stage.ts';

const REQUESTS = 100;

/** The states of a roll in their order, each with the server that answers. */
function roll({ old, next }: Stage): readonly (readonly [Wanted, Backend])[] {
  return [
    [servers(server(old, 'ready'), server(next, 'off')), old],
    [servers(server(next, 'ready'), server(old, 'draining')), next],
    [{ kind: 'baseline' }, old],
  ];
}

async function restarted(stage: Stage): Promise<void> {
  const { proxy, signal } = stage;
  const before = await proxy.files();
  const kept: string[] = [];
  for (const [wanted, answering] of roll(stage)) {
    await stage.change(stage.fresh(), 'web', wanted);
    await proxy.restart();
    const route = await stage.fresh().route('web', signal);
    const ready = route?.servers.filter(({ state }) => state === 'ready').map(({ address }) => address);
    const [name] = [...(await askMany(proxy.url('web'), REQUESTS)).keys()];
    const asked = [stage.old, stage.next].find((one) => one.name === name);
    assert.deepEqual(ready, [asked?.address], `the truth after ${JSON.stringify(wanted)}`);
    kept.push(route?.wanted.kind === wanted.kind ? 'kept' : 'lost');
    await stage.change(stage.fresh(), 'web', wanted);
    await assertOnly(stage, answering, REQUESTS);
  }
  assert.equal(kept.at(-1), 'kept', 'the baseline');
  assert.deepEqual(await proxy.files(), before);
  stage.figure(`an overlay is ${kept[1]} by a restart`);
}

class Killed extends Error {}

/** Performs this many effects and then none, as if the process had been killed. */
function killedAfter(access: ProxyAccess, effects: number): ProxyAccess & { readonly dead: () => boolean } {
  let left = effects;
  const effect = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (left-- <= 0) throw new Killed('killed');
      return call(...args);
    };
  };
  const look = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (left < 0) throw new Killed('killed');
      return call(...args);
    };
  };
  return {
    dead: () => left < 0,
    read: look(access.read),
    list: look(access.list),
    processes: look(access.processes),
    run: effect(access.run),
    write: effect(access.write),
    remove: effect(access.remove),
    exchange: effect(access.exchange),
    http: effect(access.http),
    kill: effect(access.kill),
  };
}

async function killed(stage: Stage): Promise<void> {
  const { proxy } = stage;
  const before = await proxy.files();
  let kills = 0;
  for (const ending of ['on', 'back'] as const) {
    for (const at of [0, 1, 2]) kills += await killEverywhere(stage, at, ending);
  }
  assert.deepEqual(await proxy.files(), before);
  stage.figure(`${kills} kills`);
}

/** Kills the change to one of the states of a roll after each of its effects. */
async function killEverywhere(stage: Stage, at: number, ending: 'on' | 'back'): Promise<number> {
  const states = roll(stage);
  for (let effects = 0; ; effects++) {
    for (const [wanted] of states.slice(0, at)) await stage.change(stage.fresh(), 'web', wanted);
    const [wanted, answering] = states[at] ?? assert.fail();
    let access: ReturnType<typeof killedAfter> | undefined;
    const driver = stage.by((real) => {
      access = killedAfter(real, effects);
      return access;
    });
    const error = await stage.change(driver, 'web', wanted).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error !== undefined) assert.ok(access?.dead(), String(error));
    await assertAmong(stage, [states[at - 1]?.[1] ?? stage.old, answering]);
    if (ending === 'on') {
      await stage.change(stage.fresh(), 'web', wanted);
      await assertOnly(stage, answering, 20);
    }
    await stage.change(stage.fresh(), 'web', { kind: 'baseline' });
    await assertOnly(stage, stage.old, 20);
    if (error === undefined && !access?.dead()) return effects;
  }
}

/** After a kill the previous or the desired state is in force, or both servers are ready. */
async function assertAmong(stage: Stage, allowed: readonly Backend[]): Promise<void> {
  const names = [...(await askMany(stage.proxy.url('web'), 20)).keys()];
  assert.ok(
    names.every((name) => allowed.some((one) => one.name === name)),
    `${names} answer after the kill`,
  );
}

async function twoRolls(stage: Stage): Promise<void> {
  const { old, next, api, proxy } = stage;
  const change = (driver: ReturnType<Stage['fresh']>, route: string, own: Wanted) => stage.change(driver, route, own);
  const [one, two] = [stage.fresh(), stage.fresh()];
  const other = (from: Backend, to: Backend): Wanted => ({
    kind: 'servers',
    roll: 'r0ll2',
    servers: [server(from, 'ready'), server(to, 'draining')],
  });
  for (let round = 0; round < 5; round++) {
    const [from, to] = round % 2 === 0 ? [old, next] : [next, old];
    await Promise.all([
      change(one, 'web', servers(server(to, 'ready'), server(from, 'draining'))),
      change(two, 'api', round % 2 === 0 ? other(next, api) : other(api, next)),
    ]);
    const [web, apis] = await Promise.all([askMany(proxy.url('web'), 50), askMany(proxy.url('api'), 50)]);
    assert.deepEqual([[...web.keys()], [...apis.keys()]], [[to.name], [round % 2 === 0 ? next.name : api.name]]);
  }
  await Promise.all([change(one, 'web', { kind: 'baseline' }), change(two, 'api', { kind: 'baseline' })]);
  await assertOnly(stage, old, 20);
}

const HELD_MS = 3000;
const HELD = 200;

async function held(stage: Stage): Promise<void> {
  const { old, facts, proxy } = stage;
  const wanted: Wanted = { kind: 'held', roll: ROLL, servers: [server(old, 'off')], longestMs: 20_000 };
  if (facts.hold === 'no') {
    await assert.rejects(stage.change(stage.fresh(), 'web', wanted), { code: 'proxy-refused' });
    await assertOnly(stage, old, REQUESTS);
    return stage.figure('holds nothing, and refuses to');
  }
  await stage.change(stage.fresh(), 'web', wanted);
  const load = startLoad({ url: proxy.url('web'), ratePerSecond: HELD / (HELD_MS / 1000), keepAlive: false });
  await new Promise((resolve) => setTimeout(resolve, HELD_MS));
  assert.equal(load.soFar().requests, 0);
  await stage.apply(server(old, 'ready'));
  const { requests, failures, timeline } = await load.stop();
  assert.deepEqual(failures, []);
  stage.figure(`${requests} requests held, the longest ${Math.max(...timeline.map(({ tookMs }) => tookMs))} ms`);
  if (process.env.SWAPCTL_TEST_LONG === '1') await killedHold(stage, wanted);
}

/** Kills the change to a hold after each of its effects; the baseline ends what is there. */
async function killedHold(stage: Stage, wanted: Wanted): Promise<void> {
  const before = await stage.proxy.files();
  for (let effects = 0; ; effects++) {
    let access: ReturnType<typeof killedAfter> | undefined;
    const driver = stage.by((real) => {
      access = killedAfter(real, effects);
      return access;
    });
    const error = await stage.change(driver, 'web', wanted).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error !== undefined) assert.ok(access?.dead(), String(error));
    else assertWanted(stage, await stage.fresh().route('web', stage.signal), wanted);
    await stage.change(stage.fresh(), 'web', { kind: 'baseline' });
    await assertOnly(stage, stage.old, 20);
    if (error !== undefined) continue;
    assert.deepEqual(await stage.proxy.files(), before);
    return stage.figure(`${effects} kills`);
  }
}

export const INTERRUPTED: readonly Point[] = [
  { number: 11, name: 'a restart of the proxy is seen, and the next change converges', run: restarted },
  { number: 12, name: 'a kill between any two effects is made good, and leaves no file', run: killed },
  { number: 13, name: 'two rolls on two routes at once are both right', run: twoRolls },
  { number: 14, name: 'requests are held and answered after the release', run: held },
];
