// npm run test:fast, npm run test:watch [-- FILE…]: the tests that need no engine and no preparation, on any machine with node.
// What needs root, Linux, the built program or a download is skipped where that is missing.
import { dependencies, root } from './prepare/npm.mjs';
import { exitWith, inForeground } from './shell.mjs';
import { parse } from './test/args.mjs';
import { filesOf, LANES } from './test/lanes.mjs';
import { runTests } from './test/run.mjs';
import { noTotals, printTime, printTotals } from './test/totals.mjs';

async function main(args) {
  const { watch: watching, patterns, files } = parse(args, { watch: { type: 'boolean' } });
  await dependencies();
  const some = files.length > 0 ? files : filesOf('fast');
  if (watching) return watch(some, patterns);
  const began = Date.now();
  const totals = noTotals();
  await runTests('fast', some, { patterns, whole: files.length === 0 }, totals);
  if (files.length === 0) printTime('npm run test:fast', Date.now() - began, LANES.fast.budgetMs);
  printTotals(totals);
  return totals.failed > 0 ? 1 : 0;
}

/** Runs the tests of a file again whenever it changes, or anything that it imports. */
function watch(files, patterns) {
  const options = ['--watch', '--test-reporter=spec', ...patterns.map((pattern) => `--test-name-pattern=${pattern}`)];
  return inForeground(process.execPath, ['--import=tsx', '--test', ...options, ...files], { cwd: root });
}

exitWith(main(process.argv.slice(2)));
