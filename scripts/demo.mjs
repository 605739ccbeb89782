// npm run demo [-- arguments of demo/main.ts]
import { runOnEngine } from './on-engine.mjs';
import { exitWith } from './shell.mjs';

exitWith(runOnEngine('demo/main.ts', process.argv.slice(2)));
