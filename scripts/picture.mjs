// npm run picture: records a real roll, and writes docs/roll.svg
import { runOnEngine } from './on-engine.mjs';
import { exitWith } from './shell.mjs';

exitWith(runOnEngine('demo/picture.ts', process.argv.slice(2)));
