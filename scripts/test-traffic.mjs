// npm run test:traffic [-- --rolls 100 --rate 200 --engine sid]
import { runOnEngine } from './on-engine.mjs';
import { exitWith } from './shell.mjs';

exitWith(runOnEngine('test/traffic/rolls.ts', process.argv.slice(2)));
