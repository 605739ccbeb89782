// npm run test:full [-- --part 1/3 --at-a-time N]: every test that `npm test` leaves out; that is to run before it.
import { exitWith, Failure } from './shell.mjs';
import { AT_A_TIME, parse } from './test/args.mjs';
import { filesOf, LANES, partOf } from './test/lanes.mjs';
import { testPrepared } from './test/prepared.mjs';

function main(args) {
  const { part, patterns, files, atOnce } = parse(args, { part: { type: 'string' }, ...AT_A_TIME });
  if (files.length > 0) throw new Failure('for some files there is npm test -- FILE…');
  const all = filesOf('full');
  const budget = { name: 'npm run test:full', ms: LANES.full.budgetMs };
  return testPrepared(part ? partOf(all, part) : all, { patterns, atOnce, budget });
}

exitWith(Promise.resolve(process.argv.slice(2)).then(main));
