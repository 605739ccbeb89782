// Rolls of a service behind a proxy that is told, under load and without it, and beside them rolls by the kernel layer.
import { swapctl } from '../test/lab/cli.ts';
import { type LoadReport, startLoad } from '../test/lab/load.ts';
import { startLoadInside } from '../test/lab/load-inside.ts';
import { KINDS, type Kind, proxyScene } from '../test/lab/proxy-scene.ts';
import type { World } from '../test/lab/world.ts';
import { median, printTable, seconds, spread } from './table.ts';

const RATE = 200;

interface Row {
  readonly totals: number[];
  readonly loads: Pick<LoadReport, 'requests' | 'failures' | 'longestGapMs'>[];
}

/** Rolls in turns: behind each proxy with connections kept and new, kept, and none; and by the kernel layer. */
export async function toldRolls(world: World, rounds: number): Promise<void> {
  const rows = new Map<string, Row>();
  const row = (name: string): Row => {
    const known = rows.get(name) ?? { totals: [], loads: [] };
    rows.set(name, known);
    return known;
  };
  for (const kind of KINDS) await behindProxy(world, kind, rounds, row);
  await byKernel(world, rounds, row('kernel layer, kept'));
  print(rows, rounds);
}

async function behindProxy(outer: World, kind: Kind, rounds: number, row: (name: string) => Row): Promise<void> {
  const scene = await proxyScene(outer, kind);
  const { world, url } = scene;
  const images = [await scene.image('2'), await scene.image('1')];
  for (let round = 0; round < rounds; round++) {
    console.error(`==> ${kind}: round ${round + 1} of ${rounds}`);
    for (const [name, method, keepAlive] of [
      ['GET, kept and new', 'GET', 'mixed'],
      ['POST, kept and new', 'POST', 'mixed'],
      ['GET, new', 'GET', false],
    ] as const) {
      const load = startLoad({ url, ratePerSecond: RATE, keepAlive, method });
      await load.until(RATE);
      const into = row(`${kind}: ${name}`);
      into.totals.push(await roll(world, images));
      await load.until(RATE);
      into.loads.push(await load.stop());
    }
    row(`${kind}: no load`).totals.push(await roll(world, images));
  }
  await world.cleanUp();
}

async function byKernel(world: World, rounds: number, into: Row): Promise<void> {
  const network = await world.network('net');
  const image = (version: string) => world.image(`web:${version}`, { env: { DRAIN: 1 } });
  const images = [await image('2'), await image('1')];
  await world.container('web', { image: await image('1'), network, aliases: ['app'] });
  for (let round = 0; round < rounds; round++) {
    console.error(`==> kernel layer: round ${round + 1} of ${rounds}`);
    const load = await startLoadInside(world, {
      network,
      url: 'http://app:8080/',
      ratePerSecond: RATE,
      keepAlive: true,
    });
    into.totals.push(await roll(world, images));
    into.loads.push(await load.stop());
  }
}

// To the image that does not run.
async function roll(world: World, images: string[]): Promise<number> {
  const [image = ''] = images;
  images.reverse();
  const began = performance.now();
  const { code, stderr } = await swapctl(['roll', world.name('web'), '--image', image, '--json'], { env: world.env });
  if (code !== 0) throw new Error(`the roll failed: ${stderr}`);
  return performance.now() - began;
}

function print(rows: ReadonlyMap<string, Row>, rounds: number): void {
  const lines = [...rows].map(([name, { totals, loads }]) => {
    const failures = loads.flatMap((one) => one.failures);
    const kept = failures.filter(({ reused }) => reused).length;
    const requests = loads.reduce((sum, one) => sum + one.requests, 0);
    const gap = Math.max(0, ...loads.map((one) => one.longestGapMs));
    const without = rows.get(`${name.split(':')[0]}: no load`);
    const ratio = without ? (median(totals) / median(without.totals)).toFixed(2) : '';
    return [
      name,
      String(requests),
      `${failures.length - kept}, ${kept}`,
      `${gap} ms`,
      seconds(median(totals)),
      spread(totals.map((ms) => ms / 1000)),
      ratio,
    ];
  });
  printTable(
    ['rolls behind', 'requests', 'failed on new, on kept', 'longest gap', 'median', 'seconds', 'of without load'],
    lines,
  );
  console.log(`\n${rounds} rolls a row, ${RATE} requests/s, an app that drains, settle 5 s, nothing is sent again`);
}
