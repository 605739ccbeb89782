// npm run bench [-- roll | traffic | layer | dev | all] [--rounds N], -- serve [--rounds N], -- watch [--minutes N], -- check | start [rounds], or
// -- proxies [--binaries FOLDER] and other options
import path from 'node:path';
import { build } from './build.mjs';
import { runOnEngine } from './on-engine.mjs';
import { needsOf } from './prepare/needs.mjs';
import { root } from './prepare/npm.mjs';
import { prepare } from './prepare.mjs';
import { exitWith, inForeground } from './shell.mjs';

const [first, ...rest] = process.argv.slice(2);
const WITHOUT_ENGINE = ['check', 'start'];
exitWith(benchmark());

function benchmark() {
  if (WITHOUT_ENGINE.includes(first)) return alone(first, rest);
  if (first === 'proxies') return runOnEngine('bench/proxies/main.ts', rest);
  return runOnEngine('bench/main.ts', process.argv.slice(2));
}

async function alone(name, args) {
  await prepare(needsOf([`bench/${name}.ts`]));
  await build();
  return inForeground(process.execPath, ['--import=tsx', path.join(root, `bench/${name}.ts`), ...args], { cwd: root });
}
