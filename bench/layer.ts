// What the kernel layer costs: requests a second through a published port before a roll, while the cover leads its
// connections to the stand-in, and after the roll. The clients go as fast as they can.
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { fixedPort } from '../test/engine/handover-world.ts';
import { swapctl } from '../test/lab/cli.ts';
import { coverTable, nft } from '../test/lab/host-state.ts';
import { otherHost } from '../test/lab/netns.ts';
import { untilHealthy, type World } from '../test/lab/world.ts';
import { closedLoop } from './loop.ts';
import { median, printTable, spread } from './table.ts';
import { untilVersion } from './version.ts';

const WORKERS = 8;
const WARM_UP_MS = 500;
const MEASURE_MS = 2000;

/** A way in and a kind of connection. */
interface Probe {
  readonly way: string;
  readonly netns: string | undefined;
  readonly host: string;
  readonly keepAlive: boolean;
}

/** Requests a second, one figure for each probe. */
type Rates = readonly number[];

/** One roll; before it, everything is measured twice: what differs there is noise. */
interface Round {
  readonly before: Rates;
  readonly again: Rates;
  readonly during: Rates;
  readonly after: Rates;
}

export async function layerCost(world: World, rounds: number): Promise<void> {
  const other = otherHost(world);
  const ways = [
    { way: 'loopback', netns: world.netns, host: '127.0.0.1' },
    { way: 'another host', netns: other.name, host: other.hostAddress },
  ];
  const probes = ways.flatMap((way) => [true, false].map((keepAlive) => ({ ...way, keepAlive })));
  const health = { intervalMs: 1000 };
  const env = { DRAIN: 1 };
  const images = [await world.image('app:1', { health, env }), await world.image('app:2', { health, env })] as const;
  const network = await world.network('net');
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    console.error(`==> round ${round + 1} of ${rounds}`);
    measured.push(await oneRoll(world, network, images, probes));
    console.error(`    ${JSON.stringify(measured.at(-1))}`);
  }
  print(probes, measured);
}

async function oneRoll(
  world: World,
  network: string,
  [old, fresh]: readonly [string, string],
  probes: readonly Probe[],
): Promise<Round> {
  const port = await fixedPort();
  const web = await world.container('web', { image: old, ports: [{ host: port }], network });
  await untilHealthy(web);
  const rates = (version: string) => measure(probes, port, version);
  const warm = await rates('1');
  console.error(`    warm: ${JSON.stringify(warm)}`);
  const [before, again] = [await rates('1'), await rates('1')];
  const during = await whileHandedOver(world, port, fresh, () => rates('2'));
  await rates('2');
  const after = await rates('2');
  await world.docker.getContainer(world.name('web')).remove({ force: true });
  return { before, again, during, after };
}

// A connection that stays open keeps the old container, and with it the roll, until everything is measured.
async function whileHandedOver(world: World, port: number, image: string, rates: () => Promise<Rates>): Promise<Rates> {
  const url = `http://${world.address}:${port}/`;
  const name = world.name('web');
  const held = await hold(url);
  const args = ['roll', name, '--image', image, '--settle', '0s', '--drain-timeout', '3m', '--json'];
  const roll = swapctl(args, { env: world.env, netns: world.netns });
  await untilVersion(url, '2');
  await rates();
  const during = await rates();
  assertCovered(world, name, true);
  held.destroy();
  const { code, stderr } = await roll;
  if (code !== 0) throw new Error(`the roll failed: ${stderr}`);
  assertCovered(world, name, false);
  return during;
}

/** Fails unless swapctl's table for this container is (not) there: the figures would not be what the table says. */
function assertCovered(world: World, name: string, covered: boolean): void {
  const tables = nft(world.netns, 'list', 'tables');
  if (tables.includes(coverTable(name)) !== covered) throw new Error(`covered should be ${covered}: ${tables}`);
}

/** A connection that the app keeps until it is destroyed. */
function hold(url: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const upgrade = request(url, { headers: { connection: 'upgrade', upgrade: 'echo' } });
    upgrade
      .on('upgrade', (_response, socket) => resolve(socket.on('error', () => socket.destroy())))
      .on('error', reject);
    upgrade.end();
  });
}

async function measure(probes: readonly Probe[], port: number, version: string): Promise<Rates> {
  const rates: number[] = [];
  for (const { netns, host, keepAlive } of probes) {
    const options = { workers: WORKERS, keepAlive, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS };
    const { perSecond, failed, versions } = await closedLoop(netns, { url: `http://${host}:${port}/`, ...options });
    if (failed > 0 || versions.join() !== version) {
      throw new Error(`${host}: ${failed} failed, answered by ${versions.join()} and not by ${version} alone`);
    }
    rates.push(perSecond);
  }
  return rates;
}

function print(probes: readonly Probe[], rounds: readonly Round[]): void {
  const lines = probes.map(({ way, keepAlive }, index) => {
    const figures = (phase: keyof Round) => rounds.map((round) => round[phase][index] ?? Number.NaN);
    const base = rounds.map((_, n) => mean(figures('before')[n], figures('again')[n]));
    const ratio = (phase: keyof Round) => spread(figures(phase).map((rate, n) => rate / (base[n] ?? Number.NaN)));
    const noise = spread(figures('again').map((rate, n) => rate / (figures('before')[n] ?? Number.NaN)));
    const connections = keepAlive ? 'kept' : 'new';
    return [way, connections, median(base).toFixed(0), noise, ratio('during'), ratio('after')];
  });
  printTable(['way in', 'connections', 'requests/s before', 'before, again', 'handed over', 'after'], lines);
  console.log(
    `\nratios to "before" within a round: the median of ${rounds.length} rounds, and the lowest and highest; "before, again"`,
  );
  console.log(
    `is the noise. ${WORKERS} requests at a time, ${MEASURE_MS / 1000} s each; while it is handed over, old container, stand-in and swapctl`,
  );
  console.log('all run. After each roll no table of swapctl for it was left in the kernel');
}

function mean(a = Number.NaN, b = Number.NaN): number {
  return (a + b) / 2;
}
