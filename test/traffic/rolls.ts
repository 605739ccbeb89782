// The long form of test/engine/traffic/handover.test.ts: many rolls of one published service in a row, under load by every way in.
// By hand: npm run test:traffic -- --rolls 100 --rate 200 --engine sid
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import {
  assertNothingLeft,
  fixedPort,
  gatewayOf,
  portsOf,
  roll,
  startService,
} from '../engine/traffic/handover-world.ts';
import { engineFacts, engineUnderTest } from '../lab/engine.ts';
import { ENGINE_KINDS, startEngine } from '../lab/engines.ts';
import { assertAsBefore, hostState } from '../lab/host-state.ts';
import { otherHost } from '../lab/netns.ts';
import { type Cells, clientsAt, type Place, type Shape, startTraffic, tableOf } from '../lab/traffic.ts';
import { type Scope, testWorld, type World } from '../lab/world.ts';

const { values } = parseArgs({
  options: {
    rolls: { type: 'string', default: '100' },
    /** Requests a second, of all clients together. */
    rate: { type: 'string', default: '200' },
    /** One of test/lab/engines.ts; without it the engine of this machine. */
    engine: { type: 'string' },
  },
});

const cleanUps: (() => Promise<void>)[] = [];
const scope: Scope = { after: (cleanUp) => void cleanUps.unshift(cleanUp) };

try {
  await main(Number(values.rolls), Number(values.rate));
} finally {
  for (const cleanUp of cleanUps) await cleanUp();
}

async function main(rolls: number, rate: number): Promise<void> {
  const world = testWorld(scope, await engine());
  const { version } = await engineFacts(world.docker);
  console.log(`${rolls} rolls on Docker ${version}, under ${rate} requests/s`);
  const network = await world.network('net');
  const port = await fixedPort();
  const labels = { 'swapctl.drain.timeout': '2s' };
  const app = { env: { READY_AFTER_MS: 500, LISTEN: 'late' } };
  const web = await startService(world, 'web', { app, env: { DRAIN: 1 }, ports: [{ host: port }], network, labels });
  const ways = await waysIn(world, network, port);
  const before = { state: await hostState(world), ports: await portsOf(world, web.name) };
  const clients = await Promise.all(
    Object.entries(ways).map(async ([way, { place, url }]) => {
      const shapes = shapesAt(rate / Object.keys(ways).length);
      return [way, await startTraffic(place, clientsAt({ url }, shapes))] as const;
    }),
  );
  const times: number[] = [];
  for (let number = 1; number <= rolls; number++) {
    await web.publish(`v${number}`);
    const { timings } = (await roll(world, web.name)).json();
    times.push(timings.total);
    console.log(`roll ${number} of ${rolls}: ${(timings.total / 1000).toFixed(1)} s`);
  }
  const cells: Record<string, Cells> = {};
  for (const [way, client] of clients) cells[way] = await client.stop();
  print(cells, times);
  assert.deepEqual(await portsOf(world, web.name), before.ports);
  const compared = await assertAsBefore(world, before.state);
  await assertNothingLeft(world, web.name);
  console.log(`afterwards: ports, rules, networks, volumes and proxies as before (compared: ${compared})`);
  for (const cell of Object.values(cells).flatMap((shapes) => Object.values(shapes))) {
    if (cell.failed > 0) process.exitCode = 1;
  }
}

async function engine() {
  if (values.engine === undefined) return engineUnderTest();
  const kind = ENGINE_KINDS.find((known) => known === values.engine);
  assert.ok(kind, `--engine is one of ${ENGINE_KINDS.join(', ')}`);
  const started = await startEngine(kind);
  scope.after(() => started.stop());
  return started;
}

async function waysIn(
  world: World,
  network: string,
  port: number,
): Promise<Record<string, { place: Place; url: string }>> {
  const other = otherHost(world);
  const here = { world, netns: world.netns };
  const at = (host: string) => `http://${host}:${port}/`;
  return {
    loopback: { place: here, url: at('127.0.0.1') },
    'host address': { place: here, url: at(other.hostAddress) },
    'another host': { place: { world, netns: other.name }, url: at(other.hostAddress) },
    gateway: { place: { world, network }, url: at(await gatewayOf(world, network)) },
  };
}

// As many POST as GET, and as many new connections as kept ones.
function shapesAt(rate: number): Record<string, Shape> {
  const shapes: Record<string, Shape> = {};
  for (const kind of ['kept', 'new'] as const) {
    for (const method of ['GET', 'POST'] as const)
      shapes[`${kind} ${method}`] = { kind, method, ratePerSecond: rate / 4 };
  }
  return shapes;
}

function print(cells: Record<string, Cells>, times: readonly number[]): void {
  for (const line of tableOf(cells)) console.log(line);
  const all = Object.values(cells).flatMap((shapes) => Object.values(shapes));
  const total = (figure: 'requests' | 'failed') => all.reduce((sum, cell) => sum + cell[figure], 0);
  const gap = Math.max(...all.map((cell) => cell.longestGapMs));
  const sorted = times.toSorted((a, b) => a - b);
  const seconds = (ms: number | undefined) => ((ms ?? 0) / 1000).toFixed(1);
  console.log(`${total('requests')} requests, ${total('failed')} failed, longest gap ${gap} ms`);
  console.log(
    `a roll took ${seconds(sorted[Math.floor(sorted.length / 2)])} s (median), ${seconds(sorted.at(-1))} s at the most`,
  );
}
