// npm run bench [-- roll | traffic | layer | dev | all] [--rounds N], -- watch [--minutes N], or -- check | start [rounds]
import path from 'node:path';
import { build } from './build.mjs';
import { runOnEngine } from './on-engine.mjs';
import { needsOf } from './prepare/needs.mjs';
import { root } from './prepare/npm.mjs';
import { prepare } from './prepare.mjs';
import { exitWith, inForeground } from './shell.mjs';

const [first, ...rest] = process.argv.slice(2);
const WITHOUT_ENGINE = ['check', 'start'];
exitWith(WITHOUT_ENGINE.includes(first) ? alone(first, rest) : runOnEngine('bench/main.ts', process.argv.slice(2)));

async function alone(name, args) {
  await prepare(needsOf([`bench/${name}.ts`]));
  await build();
  return inForeground(process.execPath, ['--import=tsx', path.join(root, `bench/${name}.ts`), ...args], { cwd: root });
}
