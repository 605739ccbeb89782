// npm run test:engines [-- --engine sid … --suite roll …]
import { runPrepared } from './on-engine.mjs';
import { exitWith } from './shell.mjs';

exitWith(runPrepared('test/engines/table.ts', process.argv.slice(2)));
