// The same service replaced by several tools, each under the same load.
import { type Scope, testWorld } from '../../test/lab/world.ts';
import { printTable } from '../table.ts';
import { lacking } from './images.ts';
import { type Measured, underLoad } from './measure.ts';
import { figures, printFailures } from './report.ts';
import type { Run } from './table.ts';
import { VARIANTS, type Variant } from './variants.ts';

const MINUTES_EACH = 0.6;

export async function sideBySide(run: Run): Promise<void> {
  const { binaries, rolls } = run.options;
  const rows: string[][] = [];
  const ways = VARIANTS.filter((way) => isThere(way, binaries));
  console.log('LEFT OUT: Watchtower; its order, stop and then start, is a row of `npm run bench -- traffic`');
  const minutes = Math.ceil(ways.length * rolls * MINUTES_EACH);
  console.log(`\nside by side: ${ways.length} ways, times each: ${rolls}, about ${minutes} minutes\n`);
  for (const way of ways) {
    if (run.signal.aborted) return;
    const measured = await severalTimes(run, way).catch((error: Error) => error);
    if (measured instanceof Error) console.log(`NOT MEASURED: ${way.name}: ${measured.message}`);
    else rows.push([way.name, ...figures(measured)]);
  }
  printTable(['way', 'failed', 'gap', 'switched', 'retired', 'command'], rows);
}

async function severalTimes({ scope, image, options }: Run, way: Variant): Promise<Measured[]> {
  const all: Measured[] = [];
  while (all.length < options.rolls) all.push(...(await measuredVariant(scope, image, way, options.binaries ?? '')));
  return all;
}

function isThere({ name, binaries: needed }: Variant, folder: string | undefined): boolean {
  const lacks = lacking(needed, folder);
  if (lacks.length > 0) console.log(`LEFT OUT: ${name}, which needs ${lacks.join(' and ')}`);
  return lacks.length === 0;
}

async function measuredVariant(scope: Scope, image: string, way: Variant, binaries: string): Promise<Measured[]> {
  console.error(`==> ${way.name}`);
  const world = testWorld(scope);
  try {
    const { subject, roll } = await way.start(world, image, binaries);
    const { roll: measured = [] } = await underLoad(subject, (measure) => measure('roll', roll));
    printFailures(way.name, measured);
    return measured;
  } finally {
    await world.cleanUp();
  }
}
