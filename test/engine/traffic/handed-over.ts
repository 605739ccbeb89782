// A published port changes hands while clients of every kind connect by every route, and none notices.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import test from 'node:test';
import { parseSockets } from '../../../src/core/traffic/sockets.ts';
import { addressRedirectTables, assertAsBefore, hostState } from '../../lab/host-state.ts';
import { otherHost } from '../../lab/netns.ts';
import { allShapes, type Cells, type Client, clientsAt, type Place, startTraffic, tableOf } from '../../lab/traffic.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, type World } from '../../lab/world.ts';
import {
  assertNothingLeft,
  fixedPort,
  gatewayOf,
  LATE,
  portsOf,
  roll,
  type Service,
  startService,
} from './handover-world.ts';

const RATE = 6;
// Two connections, each ended once by the old container and once by the stand-in, at the end of the drain time.
const MOST_CUT = 4;
const V6 = networkInterfaces().lo?.some(({ address }) => address === '::1') ?? false;

/** Defines the test of an app that finishes its connections, or of one that does not. */
export function appIsHandedOver({ drains }: { drains: boolean }): void {
  test(`an app that ${drains ? 'drains' : 'exits at once'} is handed over`, async (t) => {
    const world = testWorld(t);
    const network = await world.network('net');
    const port = await fixedPort();
    const web = await startService(world, 'web', {
      app: { env: LATE },
      env: { DRAIN: drains ? 1 : 0 },
      ports: [{ host: port }],
      network,
      aliases: ['web'],
      // Longer than the slowest answer: the purpose of the drain time.
      labels: { 'swapctl.drain.timeout': '4s' },
    });
    const ways = await entrances(world, network, port);
    const before = { state: await hostState(world), ports: await portsOf(world, web.name) };
    const clients = await startAll(ways);
    await web.publish('2');
    const result = (await roll(world, web.name, {}, (line) => t.diagnostic(line))).json();
    const cells = await stopAll(clients);
    await untilNothingIsRedirected(world, web, (line) => t.diagnostic(line));
    const ports = await portsOf(world, web.name);

    for (const line of tableOf(cells)) t.diagnostic(line);
    t.diagnostic(`the roll: ${JSON.stringify(result.timings)}`);
    assertCells(cells, drains);
    assert.equal(result.gap, undefined, 'somebody always answered');
    assert.deepEqual(ports, before.ports);
    assert.ok(
      before.state.ours.some((line) => line.includes(String(port))),
      'our own rules are recognised',
    );
    t.diagnostic(`as before: ${await assertAsBefore(world, before.state)}`);
    await assertNothingLeft(world, web.name);
  });
}

// The rules stay for redirected connections; now all are closed, and the next run of swapctl finds that.
async function untilNothingIsRedirected(world: World, { name, container }: Service, told: (line: string) => void) {
  await eventually('a run of swapctl finds that no led connection is open any more', async () => {
    assert.equal((await roll(world, name, {}, told)).json().outcome, 'unchanged');
    if (addressRedirectTables(world, container.id).length === 0) return true;
    told(`still open: ${await socketsIn(world, name)}`);
    return false;
  });
}

async function socketsIn(world: World, name: string): Promise<string> {
  const { State } = await world.docker.getContainer(name).inspect();
  const sockets = ['tcp', 'tcp6'].flatMap((kind) =>
    parseSockets(readFileSync(`/proc/${State.Pid}/net/${kind}`, 'utf8')),
  );
  return sockets.map(({ remoteAddress, remotePort, state }) => `${remoteAddress}:${remotePort} ${state}`).join(', ');
}

type Connections = { place: Place } & Pick<Client, 'url' | 'byName'>;

async function entrances(world: World, network: string, port: number): Promise<Record<string, Connections>> {
  const other = otherHost(world);
  const elsewhere = await world.network('elsewhere');
  const here = { world, netns: world.netns };
  const at = (host: string) => `http://${host}:${port}/`;
  return {
    loopback: { place: here, url: at('127.0.0.1') },
    ...(V6 && { 'IPv6 loopback': { place: here, url: at('[::1]') } }),
    'host address': { place: here, url: at(other.hostAddress) },
    'another host': { place: { world, netns: other.name }, url: at(other.hostAddress) },
    alias: { place: { world, network }, url: 'http://web:8080/', byName: true },
    gateway: { place: { world, network }, url: at(await gatewayOf(world, network)) },
    'other network': { place: { world, network: elsewhere }, url: at(await gatewayOf(world, elsewhere)) },
  };
}

type Started = (readonly [string, Awaited<ReturnType<typeof startTraffic>>])[];

function startAll(ways: Record<string, Connections>): Promise<Started> {
  return Promise.all(
    Object.entries(ways).map(async ([way, { place, ...at }]) => {
      return [way, await startTraffic(place, clientsAt(at, allShapes(RATE)))] as const;
    }),
  );
}

async function stopAll(clients: Started): Promise<Record<string, Cells>> {
  const ended = await Promise.all(clients.map(async ([way, client]) => [way, await client.stop()] as const));
  return Object.fromEntries(ended);
}

function assertCells(ways: Record<string, Cells>, drains: boolean): void {
  for (const [way, cells] of Object.entries(ways)) {
    for (const [shape, cell] of Object.entries(cells)) {
      const what = `${way}, ${shape}: ${JSON.stringify(cell)}`;
      assert.ok(cell.requests > 0, what);
      if (shape === 'upgrade') assert.ok(cell.cut <= MOST_CUT, what);
      else assert.ok(cell.byVersion['2'], `the new version has answered: ${what}`);
      if (drains || !cutByApp(way, shape)) assert.equal(cell.failed, 0, what);
    }
  }
}

// An app that exits at once cuts its connections. By its name in the network it gets new ones until the end.
function cutByApp(way: string, shape: string): boolean {
  return shape.startsWith('kept') || (way === 'alias' && shape.startsWith('slow'));
}
