// Many rolls of one service in a row, under load by every route: a published service with handovers, or one found by name and rolled
// start-first. By hand: npm run test:traffic -- --rolls 100 --rate 200 --engine sid --strategy start-first --rollback
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import {
  assertNothingLeft,
  fixedPort,
  gatewayOf,
  portsOf,
  roll,
  type Service,
  startService,
} from '../../engine/traffic/handover-world.ts';
import { type CliResult, swapctl } from '../../lab/cli.ts';
import { engineFacts, engineUnderTest } from '../../lab/engine.ts';
import { ENGINE_KINDS, startEngine } from '../../lab/engines.ts';
import { assertAsBefore, hostState } from '../../lab/host-state.ts';
import { APP_PORT } from '../../lab/images.ts';
import { otherHost } from '../../lab/netns.ts';
import { type Cells, clientsAt, type Place, type Shape, startTraffic, tableOf } from '../../lab/traffic.ts';
import { type Scope, testWorld, type World } from '../../lab/world.ts';

const { values } = parseArgs({
  options: {
    rolls: { type: 'string', default: '100' },
    /** Requests a second, of all clients together. */
    rate: { type: 'string', default: '200' },
    /** One of test/lab/engines.ts; without it the engine of this machine. */
    engine: { type: 'string' },
    /** handover or start-first */
    strategy: { type: 'string', default: 'handover' },
    /** Every other roll is a rollback. */
    rollback: { type: 'boolean', default: false },
  },
});

const SERVICE = {
  labels: { 'swapctl.drain.timeout': '2s' },
  app: { env: { READY_AFTER_MS: 500, LISTEN: 'late' } },
  env: { DRAIN: 1 },
};

const cleanUps: (() => Promise<void>)[] = [];
const scope: Scope = { after: (cleanUp) => void cleanUps.unshift(cleanUp) };

try {
  await main(Number(values.rolls), Number(values.rate));
} finally {
  for (const cleanUp of cleanUps) await cleanUp();
}

async function main(rolls: number, rate: number): Promise<void> {
  const { strategy, rollback } = values;
  assert.ok(['handover', 'start-first'].includes(strategy), '--strategy is handover or start-first');
  const world = testWorld(scope, await engine());
  const { version } = await engineFacts(world.docker);
  const what = `${rolls} rolls (${strategy}${rollback ? ', every other one a rollback' : ''})`;
  console.log(`${what} on Docker ${version}, under ${rate} requests/s`);
  const { web, ways } = await (strategy === 'handover' ? published(world) : named(world));
  const before = { state: await hostState(world), ports: await portsOf(world, web.name) };
  const clients = await Promise.all(
    Object.entries(ways).map(async ([way, { place, ...at }]) => {
      const shapes = shapesAt(rate / Object.keys(ways).length);
      return [way, await startTraffic(place, clientsAt(at, shapes))] as const;
    }),
  );
  const times = await rollMany(world, web, rolls);
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

async function rollMany(world: World, web: Service, rolls: number): Promise<number[]> {
  const times: number[] = [];
  for (let number = 1; number <= rolls; number++) {
    const isBack = values.rollback && number % 2 === 0;
    if (!isBack) await web.publish(`v${number}`);
    const report = (await (isBack ? goBack(world, web) : roll(world, web.name))).json();
    assert.equal(report.strategy, values.strategy, report.because);
    const { timings } = report;
    times.push(timings.total);
    console.log(`roll ${number} of ${rolls}: ${(timings.total / 1000).toFixed(1)} s`);
  }
  return times;
}

async function engine() {
  if (values.engine === undefined) return engineUnderTest();
  const kind = ENGINE_KINDS.find((known) => known === values.engine);
  assert.ok(kind, `--engine is one of ${ENGINE_KINDS.join(', ')}`);
  const started = await startEngine(kind);
  scope.after(() => started.stop());
  return started;
}

interface Connections {
  readonly place: Place;
  readonly url: string;
  readonly byName?: boolean;
}

interface Stage {
  readonly web: Service;
  readonly ways: Record<string, Connections>;
}

async function published(world: World): Promise<Stage> {
  const network = await world.network('net');
  const port = await fixedPort();
  const web = await startService(world, 'web', { ...SERVICE, ports: [{ host: port }], network });
  return { web, ways: await entrances(world, network, port) };
}

async function entrances(world: World, network: string, port: number): Promise<Record<string, Connections>> {
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

async function named(world: World): Promise<Stage> {
  const network = await world.network('net');
  const web = await startService(world, 'web', { ...SERVICE, network, aliases: ['web'] });
  return { web, ways: { name: { place: { world, network }, url: `http://web:${APP_PORT}/`, byName: true } } };
}

async function goBack(world: World, { name }: Service): Promise<CliResult> {
  const result = await swapctl(['rollback', name, '--json'], { env: world.env, netns: world.netns });
  assert.equal(result.code, 0, `${result.stdout}${result.stderr}`);
  return result;
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
