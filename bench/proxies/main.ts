// npm run bench -- proxies: what clients of real proxies notice of a roll. No figure is asserted; all figures are of one run.
import { testWorld } from '../../test/lab/world.ts';
import { runBenchmark } from '../frame.ts';
import { conditions } from '../table.ts';
import { RATE } from './clients.ts';
import { proxiesImage } from './images.ts';
import { type Options, parseOptions } from './options.ts';
import { PROXIES } from './proxies.ts';
import { sideBySide } from './side-by-side.ts';
import { type Run, table } from './table.ts';
import { VARIANTS } from './variants.ts';

const options = optionsOrEnd(process.argv.slice(2));
await runBenchmark(async (scope, signal) => {
  const world = testWorld(scope);
  console.log(`\nproxies: ${await conditions(world)}, ${RATE} requests/s from clients that retry nothing`);
  const files = [...PROXIES, ...VARIANTS].flatMap((one) => one.binaries);
  const image = await proxiesImage(world.docker, files, options.binaries);
  const run: Run = { scope, signal, image, options };
  if (options.parts.includes('table')) await table(run);
  if (options.parts.includes('side-by-side')) await sideBySide(run);
});

function optionsOrEnd(args: string[]): Options {
  try {
    return parseOptions(args);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}
