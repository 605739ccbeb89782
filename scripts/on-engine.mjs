// Runs a TypeScript program on a prepared machine and leaves nothing behind: the frame of the demo and the benchmark.
import path from 'node:path';
import { build } from './build.mjs';
import { removeLeftovers } from './leftovers.mjs';
import { dependencies, engine, root, tools } from './prepare.mjs';
import { inForeground, outliveInterrupts } from './shell.mjs';

export async function runOnEngine(entry, args) {
  const interrupted = outliveInterrupts();
  await prepared();
  const running = await engine();
  try {
    return interrupted() ? 130 : await program(entry, args);
  } finally {
    await removeLeftovers();
    await running.stop();
  }
}

/** The same for a program that brings up its engines itself. */
export async function runPrepared(entry, args) {
  const interrupted = outliveInterrupts();
  await prepared();
  return interrupted() ? 130 : program(entry, args);
}

async function prepared() {
  await dependencies();
  await tools();
  await build();
}

function program(entry, args) {
  const env = { ...process.env, SWAPCTL_TEST_RUN: String(process.pid) };
  return inForeground(process.execPath, ['--import=tsx', path.join(root, entry), ...args], { cwd: root, env });
}
