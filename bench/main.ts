// The benchmarks by name: npm run bench [-- roll | traffic | layer | all] [--rounds N]. No figure is asserted; each prints a
// table. All rows of a table are measured in one run, in turns, so that the ratios hold on a busy machine too.
import { parseArgs } from 'node:util';
import { type Scope, testWorld, type World } from '../test/lab/world.ts';
import { layerCost } from './layer.ts';
import { rollTime } from './roll.ts';
import { conditions } from './table.ts';
import { trafficLost } from './traffic.ts';

const BENCHMARKS: Record<string, (world: World, rounds: number) => Promise<void>> = {
  roll: rollTime,
  traffic: trafficLost,
  layer: layerCost,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' } },
});

const cleanUps: (() => Promise<void>)[] = [];
const scope: Scope = { after: (cleanUp) => void cleanUps.push(cleanUp) };
const interrupted = new Promise<'interrupted'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => resolve('interrupted'));
});

let status = 0;
try {
  if ((await Promise.race([main(), interrupted])) === 'interrupted') status = 130;
} catch (error) {
  console.error(error);
  status = 1;
} finally {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}
// What was interrupted would go on.
process.exit(status);

async function main(): Promise<void> {
  const rounds = Number(values.rounds);
  const names = positionals.includes('all') ? Object.keys(BENCHMARKS) : positionals;
  for (const name of names.length > 0 ? names : ['roll']) {
    const benchmark = BENCHMARKS[name];
    if (!benchmark || !(rounds > 0)) {
      throw new Error(`usage: npm run bench -- [${Object.keys(BENCHMARKS).join(' | ')} | all] [--rounds N]`);
    }
    const world = testWorld(scope);
    console.log(`\n${name}: ${await conditions(world)}, ${rounds} rounds\n`);
    await benchmark(world, rounds);
    await world.cleanUp();
  }
}
