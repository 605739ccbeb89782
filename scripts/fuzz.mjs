// npm run fuzz [-- --minutes N --only WORD]: fuzzes every decoder and encoder that meets texts of others, and prints what came of it.
import path from 'node:path';
import { dependencies, root } from './prepare/npm.mjs';
import { exitWith, inForeground } from './shell.mjs';

async function main(args) {
  await dependencies();
  return inForeground(process.execPath, ['--import=tsx', path.join(root, 'test/fuzz/main.ts'), ...args], { cwd: root });
}

exitWith(main(process.argv.slice(2)));
