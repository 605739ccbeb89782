// npm run bench [-- roll | traffic | layer | all] [--rounds N], or npm run bench -- check [rounds]
import path from 'node:path';
import { build } from './build.mjs';
import { runOnEngine } from './on-engine.mjs';
import { dependencies, root, tools } from './prepare.mjs';
import { exitWith, inForeground } from './shell.mjs';

const [first, ...rest] = process.argv.slice(2);
exitWith(first === 'check' ? check(rest) : runOnEngine('bench/main.ts', process.argv.slice(2)));

async function check(args) {
  await dependencies();
  await tools();
  await build();
  return inForeground(process.execPath, ['--import=tsx', path.join(root, 'bench/check.ts'), ...args], { cwd: root });
}
