// npm run bench [-- arguments of bench/main.ts]
import { runOnEngine } from './on-engine.mjs';
import { exitWith } from './shell.mjs';

exitWith(runOnEngine('bench/main.ts', process.argv.slice(2)));
