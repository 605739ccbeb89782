// npm run test:matrix [-- --cells N | --all] [--seed N] [--cell TEXT]
import { dependencies, root } from './prepare/npm.mjs';
import { exitWith, inForeground } from './shell.mjs';

async function main(args) {
  await dependencies();
  return inForeground(process.execPath, ['--import=tsx', 'test/matrix/main.ts', ...args], { cwd: root });
}

exitWith(main(process.argv.slice(2)));
