// npm run bench [-- roll | traffic | layer | all] [--rounds N]
import { runOnEngine } from './on-engine.mjs';
import { exitWith } from './shell.mjs';

exitWith(runOnEngine('bench/main.ts', process.argv.slice(2)));
