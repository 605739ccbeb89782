// A canary by the kernel: its share of new connections by every way in, and how it goes back while clients notice nothing.
import assert from 'node:assert/strict';
import test, { suite, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { openApp } from '../../engine/compose-app.ts';
import { canGate, NEEDS_NFT } from '../../engine/roll/can-gate.ts';
import {
  assertNothingLeft,
  fixedPort,
  gatewayOf,
  type Service,
  startService,
  versionOf,
} from '../../engine/traffic/handover-world.ts';
import { type CliResult, swapctl } from '../../lab/cli.ts';
import { assertAsBefore, type HostState, hostState } from '../../lab/host-state.ts';
import { startLoad } from '../../lab/load.ts';
import { startLoadInside } from '../../lab/load-inside.ts';
import { otherHost } from '../../lab/netns.ts';
import {
  type Cell,
  type Cells,
  type Client,
  clientsAt,
  type Place,
  type Shape,
  startTraffic,
  tableOf,
} from '../../lab/traffic.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, type World } from '../../lab/world.ts';

const PERCENT = 10;
const CANARY = '10% for 20s';
// Ends only by what the test does to it.
const ENDLESS = '10% for 1h';
// Connections a second, by all ways: some thousands in the time of the canary.
const RATE = 70;

type Strategy = 'start-first' | 'handover';

interface Scene {
  readonly world: World;
  readonly web: Service;
  readonly network: string;
  /** Undefined: none is published. */
  readonly port: number | undefined;
}

async function sceneOf(t: TestContext, strategy: Strategy, canary: string): Promise<Scene | undefined> {
  const world = testWorld(t);
  const { ports, close } = await openApp(world);
  world.after(async () => close());
  const network = await world.network('net');
  const port = strategy === 'handover' ? await fixedPort() : undefined;
  const web = await startService(world, 'web', {
    env: { DRAIN: 1 },
    ...(port !== undefined && { ports: [{ host: port }] }),
    network,
    aliases: ['web'],
    labels: { 'swapctl.canary': canary, 'swapctl.drain.timeout': '4s' },
  });
  if (!(await canGate(ports))) {
    t.skip(NEEDS_NFT);
    return undefined;
  }
  return { world, web, network, port };
}

function rollOf({ world, web }: Scene, options: Parameters<typeof swapctl>[1] = {}): Promise<CliResult> {
  const args = ['roll', web.name, '--json', '--pull', 'never'];
  return swapctl(args, { env: world.env, netns: world.netns, ...options });
}

const IS_WATCHED = /==> \S+: watch \S+ with 10% of the new connections/;
const IS_OVER = /==> \S+: allow clients to reach \S+/;

suite('a canary', () => {
  for (const strategy of ['start-first', 'handover'] as const) {
    test(`gets its share of new connections by each way in, and then all (${strategy})`, async (t) => {
      const scene = await sceneOf(t, strategy, CANARY);
      if (!scene) return;
      const { world, web } = scene;
      const before = await hostState(world);
      await web.publish('2');
      const seen = await sharedRoll(scene, await entrances(scene));
      for (const line of tableOf(seen.cells)) t.diagnostic(line);
      for (const [way, cells] of Object.entries(seen.cells)) {
        const [share, of] = shareOf(Object.entries(cells).filter(([name]) => name.startsWith('new')));
        t.diagnostic(`${way}: ${share.toFixed(1)}% of ${of} new connections`);
        for (const [name, { failed }] of Object.entries(cells)) assert.equal(failed, 0, `${way}, ${name}`);
      }
      const fresh = Object.values(seen.cells).flatMap((cells) =>
        Object.entries(cells).filter(([name]) => name.startsWith('new')),
      );
      const [share, of] = shareOf(fresh);
      t.diagnostic(`in all: ${share.toFixed(2)}% of ${of} new connections`);
      assert.ok(Math.abs(share - PERCENT) <= pointsFor(of), `${share}% of ${of}`);
      assert.equal(seen.result.code, 0, seen.result.stderr);
      assert.equal(await versionOf(world, web.name), '2');
      t.diagnostic(`as before: ${await assertAsBefore(world, before)}`);
      await assertNothingLeft(world, web.name);
    });

    for (const [what, act] of [
      ['turns unhealthy', (scene: Scene) => sicken(scene)],
      ['a user interrupts', undefined],
    ] as const)
      test(`that ${what} goes back, and no request is lost (${strategy})`, async (t) => {
        const scene = await sceneOf(t, strategy, ENDLESS);
        if (!scene) return;
        const { world, web, network, port } = scene;
        const before = await hostState(world);
        await web.publish('2');
        const inside = await startLoadInside(world, {
          network,
          url: 'http://web:8080/',
          byName: 'in turn',
          ratePerSecond: 60,
          keepAlive: 'mixed',
        });
        const outside =
          port === undefined
            ? undefined
            : startLoad({ url: `http://127.0.0.1:${port}/`, ratePerSecond: 60, keepAlive: 'mixed' });
        let acted: Promise<void> | undefined;
        const result = await rollOf(scene, {
          onStderr: (text, kill) => {
            if (!IS_WATCHED.test(text)) return;
            acted ??= Promise.all([inside.answeredBy('2'), outside?.until(5, '2')]).then(async () => {
              if (act) await act(scene);
              else kill('SIGINT');
            });
          },
        });
        await acted;
        const loads = [await inside.stop(), ...(outside ? [await outside.stop()] : [])];
        for (const { requests, failed, longestGapMs, byVersion } of loads)
          t.diagnostic(
            `${requests} requests, ${failed} failed, longest gap ${longestGapMs} ms: ${JSON.stringify(byVersion)}`,
          );
        assert.equal(result.code, 1, result.stderr);
        assert.equal(result.json().error.code, act ? 'not-healthy' : 'interrupted');
        for (const { failures } of loads) assert.deepEqual(failures, []);
        assert.equal(await versionOf(world, web.name), '1');
        await untilAsBefore(scene, before);
        await assertNothingLeft(world, web.name);
      });
  }
});

// Rules stay as long as redirected connections are open; now all are closed. The record of a failed image stays.
async function untilAsBefore({ world, web }: Scene, before: HostState): Promise<void> {
  await eventually('a run of swapctl finds that no led connection is open any more', async () => {
    const { code, stderr } = await swapctl(['recover', web.name, '--json'], { env: world.env, netns: world.netns });
    assert.equal(code, 0, stderr);
    const { ours } = await hostState(world);
    return isDeepStrictEqual(
      ours.filter((line) => !line.includes('.swapctl-failed-')),
      before.ours,
    );
  });
}

async function sicken({ world, web }: Scene): Promise<void> {
  const all = await world.docker.listContainers();
  const young = all.find(({ Names }) =>
    Names.some((name) => /\.swapctl-(next|stand-in)$/.test(name) && name.includes(web.name)),
  );
  assert.ok(young, 'the new container runs');
  await world.docker.getContainer(young.Id).kill({ signal: 'SIGUSR2' });
}

/** The percentage of version 2, and of how many. */
function shareOf(cells: readonly (readonly [string, Cell])[]): [share: number, of: number] {
  const count = (version: string): number =>
    cells.reduce((sum, [, { byVersion }]) => sum + (byVersion[version] ?? 0), 0);
  const of = count('1') + count('2');
  return [(100 * count('2')) / of, of];
}

/** Two points, or five standard deviations where clients could make few connections only. */
function pointsFor(connections: number): number {
  return Math.max(2, 500 * Math.sqrt((PERCENT * (100 - PERCENT)) / 100 ** 2 / connections));
}

type Entrance = { place: Place } & Pick<Client, 'url' | 'byName'>;

async function entrances({ world, web, network, port }: Scene): Promise<Record<string, Entrance>> {
  const { NetworkSettings } = await world.docker.getContainer(web.name).inspect();
  const [address] = Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress);
  const inside = { world, network };
  const host = { world, netns: world.netns };
  const ways = {
    alias: { place: inside, url: 'http://web:8080/', byName: true },
    'old address': { place: inside, url: `http://${address}:8080/` },
    'old address, from the host': { place: host, url: `http://${address}:8080/` },
  };
  if (port === undefined) return ways;
  const other = otherHost(world);
  const at = (name: string): string => `http://${name}:${port}/`;
  return {
    ...ways,
    loopback: { place: host, url: at('127.0.0.1') },
    'another host': { place: { world, netns: other.name }, url: at(other.hostAddress) },
    gateway: { place: inside, url: at(await gatewayOf(world, network)) },
  };
}

type Started = (readonly [string, Awaited<ReturnType<typeof startTraffic>>])[];

/** Rolls, with clients that come only while the candidate has its share: swapctl stands still while they begin and end. */
async function sharedRoll(
  scene: Scene,
  ways: Record<string, Entrance>,
): Promise<{ result: CliResult; cells: Record<string, Cells> }> {
  let started: Started | undefined;
  let cells: Record<string, Cells> | undefined;
  const result = await rollOf(scene, {
    atLine: async (line) => {
      if (IS_WATCHED.test(line)) started = await startAll(ways);
      else if (started && IS_OVER.test(line)) cells ??= await stopAll(started);
    },
  });
  return { result, cells: cells ?? assert.fail(result.stderr) };
}

function startAll(ways: Record<string, Entrance>): Promise<Started> {
  const shapes = shapesAt(Math.ceil(RATE / Object.keys(ways).length));
  return Promise.all(
    Object.entries(ways).map(async ([way, { place, ...at }]) => {
      return [way, await startTraffic(place, clientsAt(at, shapes))] as const;
    }),
  );
}

function shapesAt(ratePerSecond: number): Record<string, Shape> {
  return {
    'new GET': { kind: 'new', method: 'GET', ratePerSecond },
    'new POST': { kind: 'new', method: 'POST', ratePerSecond },
    'kept POST': { kind: 'kept', method: 'POST', ratePerSecond },
  };
}

async function stopAll(started: Started): Promise<Record<string, Cells>> {
  const ended = await Promise.all(started.map(async ([way, traffic]) => [way, await traffic.stop()] as const));
  return Object.fromEntries(ended);
}
