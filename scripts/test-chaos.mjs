// npm run test:chaos [-- --way handover --fault kill --engine sid]
import { runOnEngine } from './on-engine.mjs';
import { exitWith } from './shell.mjs';

exitWith(runOnEngine('test/chaos/main.ts', process.argv.slice(2)));
