// npm run test:traffic [-- --rolls 100 --rate 200 --engine sid --strategy start-first --rollback]
import { runOnEngine } from './on-engine.mjs';
import { podmenOf } from './prepare/needs.mjs';
import { exitWith } from './shell.mjs';

const args = process.argv.slice(2);
exitWith(runOnEngine('test/adapters/traffic/rolls.ts', args, podmenOf(args)));
