// npm test [-- FILE… --test-name-pattern PATTERN --at-a-time N]
//
// Prepares a fresh clone, runs the tests without an engine and then the most important ones on one, and leaves nothing behind.
// FILE may be of any lane. The last line is `N passed, N failed` (and skipped, if any).
import { exitWith } from './shell.mjs';
import { AT_A_TIME, parse } from './test/args.mjs';
import { filesOf, LANES } from './test/lanes.mjs';
import { testPrepared } from './test/prepared.mjs';

function main(args) {
  const { patterns, files, atOnce } = parse(args, AT_A_TIME);
  if (files.length > 0) return testPrepared(files, { patterns, atOnce });
  const budget = { name: 'npm test', ms: LANES.engine.budgetMs };
  return testPrepared([...filesOf('fast'), ...filesOf('engine')], { patterns, atOnce, budget });
}

exitWith(Promise.resolve(process.argv.slice(2)).then(main));
