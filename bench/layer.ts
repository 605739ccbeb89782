// What the kernel layer costs: requests a second through a published port before a roll, while the cover leads its
// connections to the stand-in, and after the roll. The clients go as fast as they can. What they get is compared with what
// they get, in turns within the same seconds, from a second container of the same kind that nobody rolls.
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { fixedPort } from '../test/engine/traffic/handover-world.ts';
import { startSwapctl } from '../test/lab/cli.ts';
import { nft, portRedirectTable } from '../test/lab/host-state.ts';
import { otherHost } from '../test/lab/netns.ts';
import { untilHealthy, type World } from '../test/lab/world.ts';
import { closedLoop } from './loop.ts';
import { cpuMs } from './process.ts';
import { median, printTable, spread } from './table.ts';
import { untilVersion } from './version.ts';

const WORKERS = 8;
const TURNS = 4;
const WARM_UP_TURNS = 1;

/** A way in and a kind of connection. */
interface Probe {
  readonly way: string;
  readonly netns: string | undefined;
  readonly host: string;
  readonly keepAlive: boolean;
}

interface Rate {
  readonly perSecond: number;
  /** Of what the container that nobody rolls gave at the same time. */
  readonly ratio: number;
}

/** One for each probe. */
type Rates = readonly Rate[];

/** What is measured while a roll goes on. */
interface HandedOver {
  readonly during: Rates;
  /** Processor time that swapctl itself used meanwhile, as a share of one core. */
  readonly cpu: number;
}

/** One roll; before it, everything is measured twice: what differs there is noise. */
interface Round extends HandedOver {
  readonly before: readonly [Rates, Rates];
  readonly after: Rates;
}

/** The published ports of the container that is rolled and of the one that is not. */
type Ports = readonly [number, number];

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
  const ports = [await fixedPort(), await fixedPort()] as const;
  const web = await world.container('web', { image: old, ports: [{ host: ports[0] }], network });
  const control = await world.container('control', { image: old, ports: [{ host: ports[1] }], network });
  await Promise.all([web, control].map((one) => untilHealthy(one)));
  const rates = async (version: string) => {
    await measure(probes, ports, version, WARM_UP_TURNS);
    return measure(probes, ports, version, TURNS);
  };
  const before = [await rates('1'), await rates('1')] as const;
  const handedOver = await whileHandedOver(world, ports[0], fresh, () => rates('2'));
  const after = await rates('2');
  for (const name of ['web', 'control']) await world.docker.getContainer(world.name(name)).remove({ force: true });
  return { before, ...handedOver, after };
}

// A connection that stays open keeps the old container, and with it the roll, until everything is measured.
async function whileHandedOver(
  world: World,
  port: number,
  image: string,
  rates: () => Promise<Rates>,
): Promise<HandedOver> {
  const url = `http://${world.address}:${port}/`;
  const name = world.name('web');
  const held = await hold(url);
  const args = ['roll', name, '--image', image, '--settle', '0s', '--drain-timeout', '3m', '--no-drain-idle', '--json'];
  const roll = startSwapctl(args, { env: world.env, netns: world.netns });
  await untilVersion(url, '2');
  const [began, usedBefore] = [performance.now(), cpuMs(roll.pid)];
  const during = await rates();
  const cpu = (cpuMs(roll.pid) - usedBefore) / (performance.now() - began);
  await assertRedirected(world, name, true);
  held.destroy();
  const { code, stderr } = await roll.result;
  if (code !== 0) throw new Error(`the roll failed: ${stderr}`);
  await assertRedirected(world, name, false);
  return { during, cpu };
}

/** Fails unless swapctl's table for this container is (not) there: the figures would not be what the table says. */
async function assertRedirected(world: World, name: string, covered: boolean): Promise<void> {
  const table = await portRedirectTable(world, name);
  const tables = nft(world.netns, 'list', 'tables');
  if (tables.includes(table) !== covered) throw new Error(`covered should be ${covered}: ${tables}`);
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

async function measure(probes: readonly Probe[], ports: Ports, version: string, turns: number): Promise<Rates> {
  const rates: Rate[] = [];
  for (const { netns, host, keepAlive } of probes) {
    const urls = [`http://${host}:${ports[0]}/`, `http://${host}:${ports[1]}/`] as const;
    const { perSecond, failed, versions } = await closedLoop(netns, { urls, workers: WORKERS, keepAlive, turns });
    if (failed > 0 || versions.join() !== version) {
      throw new Error(`${host}: ${failed} failed, answered by ${versions.join()} and not by ${version} alone`);
    }
    rates.push({ perSecond: perSecond[0], ratio: perSecond[0] / perSecond[1] });
  }
  return rates;
}

function print(probes: readonly Probe[], rounds: readonly Round[]): void {
  const lines = probes.map(({ way, keepAlive }, index) => {
    const of = (rates: readonly Rates[]) => rates.flatMap((one) => one[index] ?? []);
    const before = of(rounds.flatMap((round) => round.before));
    const phases = [before, of(rounds.map((round) => round.during)), of(rounds.map((round) => round.after))];
    return [way, keepAlive ? 'kept' : 'new', ...phases.map(cellOf)];
  });
  printTable(['way in', 'connections', 'before', 'handed over', 'after'], lines);
  console.log(`
Requests/s, and in which ratio they are to those of a container beside it that is not rolled, in turns of half a second:
in brackets, the median of ${rounds.length} rounds, lowest and highest ("before": twice a round, so its spread is the noise). ${WORKERS} requests
at a time. While "handed over" was measured swapctl's rules were there, and swapctl itself, which counts the connections of
the old container, used ${median(rounds.map(({ cpu }) => cpu)).toFixed(2)} of a core; after each roll no table of swapctl's for the container was left in the kernel.`);
}

function cellOf(rates: readonly Rate[]): string {
  return `${median(rates.map((rate) => rate.perSecond)).toFixed(0)}/s (${spread(rates.map((rate) => rate.ratio))})`;
}
