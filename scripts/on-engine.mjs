// Runs a TypeScript program on a prepared machine and leaves nothing behind: the frame of the demo and the benchmark.
import path from 'node:path';
import { build } from './build.mjs';
import { engine } from './engine.mjs';
import { removeLeftovers } from './leftovers.mjs';
import { needsOf } from './prepare/needs.mjs';
import { root } from './prepare/npm.mjs';
import { prepare } from './prepare.mjs';
import { inForeground, outliveInterrupts } from './shell.mjs';

export async function runOnEngine(entry, args, entries = []) {
  const interrupted = outliveInterrupts();
  await prepare([...needsOf([entry]), ...entries], { onEngine: true });
  await build();
  const running = await engine();
  try {
    return interrupted() ? 130 : await program(entry, args);
  } finally {
    await removeLeftovers();
    await running.stop();
  }
}

/** The same for a program that brings up its engines itself. */
export async function runPrepared(entry, args, entries) {
  const interrupted = outliveInterrupts();
  await prepare([...needsOf([entry]), ...entries]);
  await build();
  return interrupted() ? 130 : program(entry, args);
}

function program(entry, args) {
  const env = { ...process.env, SWAPCTL_TEST_RUN: String(process.pid) };
  return inForeground(process.execPath, ['--import=tsx', path.join(root, entry), ...args], { cwd: root, env });
}
