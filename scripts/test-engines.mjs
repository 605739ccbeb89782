// npm run test:engines [-- --engine sid … --suite roll …]
import { runPrepared } from './on-engine.mjs';
import { ALL_TESTS, podmenOf } from './prepare/needs.mjs';
import { exitWith } from './shell.mjs';

const args = process.argv.slice(2);
exitWith(runPrepared('test/engines/table.ts', args, [...ALL_TESTS, ...podmenOf(args, { unnamed: 'all' })]));
