// npm run test:chaos [-- --way handover --fault kill --engine sid]
import { runOnEngine } from './on-engine.mjs';
import { podmenOf } from './prepare/needs.mjs';
import { exitWith } from './shell.mjs';

const args = process.argv.slice(2);
exitWith(runOnEngine('test/chaos/main.ts', args, podmenOf(args)));
