// The benchmarks by name: npm run bench [-- roll | traffic | layer | dev | all] [--rounds N], -- serve [--rounds N],
// -- told [--rounds N] [--only haproxy] …, or -- watch [--minutes N] [--every 1m]. No figure is asserted; each prints a table. All rows of a table are measured in one run, in turns, so that the ratios hold on a busy machine too.
import { parseArgs } from 'node:util';
import { type Scope, testWorld, type World } from '../test/lab/world.ts';
import { devTime } from './dev.ts';
import { drivenRolls } from './driven.ts';
import { runBenchmark } from './frame.ts';
import { layerCost } from './layer.ts';
import { rollTime } from './roll.ts';
import { serveCost } from './serve.ts';
import { conditions } from './table.ts';
import { trafficLost } from './traffic.ts';
import { watchAtRest } from './watch.ts';

/** How much is measured: in turns, or for how long. */
interface Amount {
  readonly rounds: number;
  readonly minutes: number;
  readonly every: string;
  /** Of several subjects of a benchmark; none: all. */
  readonly only: readonly string[];
}

const IN_TURNS: Record<string, (world: World, amount: Amount) => Promise<void>> = {
  roll: (world, { rounds }) => rollTime(world, rounds),
  traffic: (world, { rounds }) => trafficLost(world, rounds),
  layer: (world, { rounds }) => layerCost(world, rounds),
  dev: (world, { rounds }) => devTime(world, rounds),
};
// Not among "all": these take their time.
const told = (world: World, { rounds, only }: Amount): Promise<void> => drivenRolls(world, rounds, only);
const BENCHMARKS: typeof IN_TURNS = { ...IN_TURNS, serve: serveCost, told, watch: watchAtRest };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '5' },
    every: { type: 'string', default: '1m' },
    only: { type: 'string', multiple: true, default: [] },
  },
});

await runBenchmark(main);

async function main(scope: Scope): Promise<void> {
  const amount = {
    rounds: Number(values.rounds),
    minutes: Number(values.minutes),
    every: values.every,
    only: values.only,
  };
  const names = positionals.includes('all') ? Object.keys(IN_TURNS) : positionals;
  for (const name of names.length > 0 ? names : ['roll']) {
    const benchmark = BENCHMARKS[name];
    if (!benchmark || !(amount.rounds > 0 && amount.minutes > 0)) {
      const all = Object.keys(BENCHMARKS).join(' | ');
      throw new Error(`usage: npm run bench -- [${all} | all] [--rounds N] [--minutes N] [--every 1m]`);
    }
    const world = testWorld(scope);
    const much = name === 'watch' ? `${amount.minutes} minutes` : `${amount.rounds} rounds`;
    console.log(`\n${name}: ${await conditions(world)}, ${much}\n`);
    await benchmark(world, amount);
    await world.cleanUp();
  }
}
