// npm start -- ARGUMENTS: runs swapctl from its source, without a build.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { dependencies, root } from './prepare/npm.mjs';
import { exitWith } from './shell.mjs';

async function main() {
  await dependencies();
  // The build replaces this name by the version.
  globalThis.SWAPCTL_VERSION = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).version;
  const { register } = await import('tsx/esm/api');
  register();
  await import('../src/main.ts');
  return process.exitCode;
}

exitWith(main());
