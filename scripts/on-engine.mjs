// Runs a TypeScript program on a prepared machine and leaves nothing behind: the frame of the demo and the benchmark.
import path from 'node:path';
import { build } from './build.mjs';
import { removeLeftovers } from './leftovers.mjs';
import { dependencies, engine, root, tools } from './prepare.mjs';
import { inForeground, outliveInterrupts } from './shell.mjs';

export async function runOnEngine(entry, args) {
  const interrupted = outliveInterrupts();
  await dependencies();
  await tools();
  await build();
  const running = await engine();
  try {
    if (interrupted()) return 130;
    const env = { ...process.env, SWAPCTL_TEST_RUN: String(process.pid) };
    return await inForeground(process.execPath, ['--import=tsx', path.join(root, entry), ...args], { cwd: root, env });
  } finally {
    await removeLeftovers();
    await running.stop();
  }
}
