// Rolls of a service behind a proxy that is told, under load and without it, and beside them rolls by the kernel layer.
import { swapctl } from '../test/lab/cli.ts';
import { drivenProxy, KINDS, type Kind } from '../test/lab/driven-proxies.ts';
import { type LoadReport, startLoad } from '../test/lab/load.ts';
import { startLoadInside } from '../test/lab/load-inside.ts';
import { proxyScene } from '../test/lab/proxy-scene.ts';
import type { World } from '../test/lab/world.ts';
import { median, printTable, seconds, spread } from './table.ts';

const RATE = 200;
const CLIENTS = [
  { method: 'GET', keepAlive: false },
  { method: 'POST', keepAlive: false },
  { method: 'GET', keepAlive: true },
  { method: 'POST', keepAlive: true },
] as const;
/** Of so many rounds one has a roll without load as well. */
const WITHOUT_LOAD_EVERY = 4;

interface Row {
  readonly loaded: number[];
  readonly unloaded: number[];
  readonly loads: (Pick<LoadReport, 'requests' | 'failures' | 'longestGapMs'> & { readonly kept: boolean })[];
}

/** Rolls in turns: behind each proxy that is here, or each that is named, and by the kernel layer. */
export async function drivenRolls(world: World, rounds: number, named: readonly string[]): Promise<void> {
  const rows = new Map<string, Row>();
  for (const kind of KINDS.filter((one) => named.length === 0 || named.includes(one))) {
    const { skip } = drivenProxy(kind);
    if (skip === false) rows.set(kind, noted(kind, await behindProxy(world, kind, rounds)));
    else console.error(`==> NOT MEASURED: ${kind} ${skip}`);
  }
  if (named.length === 0) rows.set('kernel layer', await byKernel(world, rounds));
  print(rows, rounds);
}

async function behindProxy(outer: World, kind: Kind, rounds: number): Promise<Row> {
  const row = newRow();
  const { world, url, image } = await proxyScene(outer, kind);
  const images = [await image('2'), await image('1')];
  for (let round = 0; round < rounds; round++) {
    console.error(`==> ${kind}: round ${round + 1} of ${rounds}, ${failuresOf(row).length} failed so far`);
    if (round % WITHOUT_LOAD_EVERY === 0) row.unloaded.push(await roll(world, images));
    const loads = CLIENTS.map((client) => startLoad({ ...client, url, ratePerSecond: RATE / CLIENTS.length }));
    await Promise.all(loads.map((load) => load.until(RATE / CLIENTS.length)));
    row.loaded.push(await roll(world, images));
    await Promise.all(loads.map((load) => load.until(load.soFar().requests + 1)));
    const ends = await Promise.all(loads.map((load) => load.stop()));
    row.loads.push(...ends.map((end, at) => ({ ...end, kept: CLIENTS[at]?.keepAlive ?? false })));
  }
  await world.cleanUp();
  return row;
}

async function byKernel(world: World, rounds: number): Promise<Row> {
  const row = newRow();
  const network = await world.network('net');
  const image = (version: string) => world.image(`web:${version}`, { env: { DRAIN: 1 } });
  const images = [await image('2'), await image('1')];
  await world.container('web', { image: await image('1'), network, aliases: ['app'] });
  for (let round = 0; round < rounds; round++) {
    console.error(`==> kernel layer: round ${round + 1} of ${rounds}`);
    const url = 'http://app:8080/';
    const load = await startLoadInside(world, { network, url, ratePerSecond: RATE, keepAlive: true });
    row.loaded.push(await roll(world, images));
    row.loads.push({ ...(await load.stop()), kept: true });
  }
  return row;
}

// A run that is interrupted has shown the rows before.
function noted(name: string, row: Row): Row {
  console.error(`==> ${lineOf(name, row).join(' | ')}`);
  return row;
}

function newRow(): Row {
  return { loaded: [], unloaded: [], loads: [] };
}

// To the image that does not run.
async function roll(world: World, images: string[]): Promise<number> {
  const [image = ''] = images;
  images.reverse();
  const began = performance.now();
  const { code, stdout } = await swapctl(['roll', world.name('web'), '--image', image, '--json'], { env: world.env });
  if (code !== 0) throw new Error(`the roll failed: ${stdout}`);
  return performance.now() - began;
}

function failuresOf({ loads }: Row): LoadReport['failures'] {
  return loads.flatMap(({ failures }) => failures);
}

function lineOf(name: string, row: Row): string[] {
  const { loads, loaded, unloaded } = row;
  const lost = (kept: boolean): number =>
    loads.reduce((sum, one) => sum + (one.kept === kept ? one.failures.length : 0), 0);
  return [
    name,
    String(loads.reduce((sum, one) => sum + one.requests, 0)),
    `${lost(false)}, ${lost(true)}`,
    `${Math.max(0, ...loads.map((one) => one.longestGapMs))} ms`,
    seconds(median(loaded)),
    spread(loaded.map((ms) => ms / 1000)),
    unloaded.length > 0 ? (median(loaded) / median(unloaded)).toFixed(2) : '',
  ];
}

function print(rows: ReadonlyMap<string, Row>, rounds: number): void {
  const lines = [...rows].map(([name, row]) => lineOf(name, row));
  printTable(
    ['rolls behind', 'requests', 'failed on new, on kept', 'longest gap', 'median', 'seconds', 'of without load'],
    lines,
  );
  console.log(
    `\n${rounds} rolls a row under ${RATE} requests/s (GET and POST, on new and on kept connections), an app that`,
  );
  console.log('drains, settle 5 s, nothing is sent again; the gap is the longest of one client of 50 requests/s');
  for (const [name, row] of rows) {
    const errors = new Set(failuresOf(row).map(({ error, reused }) => `${error} (${reused ? 'kept' : 'new'})`));
    if (errors.size > 0) console.log(`${name}: ${[...errors].join('; ')}`);
  }
}
