// A lock between processes, held by util-linux flock in a child that ends when its standard input closes: the kernel closes it
// even if this process is killed, so no lock outlives its holder.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Failure, say } from '../shell.mjs';

/** Runs `work` while no other process holds the lock; says on stderr that it waits for another one. */
export async function locked(file, what, signal, work) {
  mkdirSync(path.dirname(file), { recursive: true });
  const release = (await acquire(file, ['--nonblock'], signal)) ?? (await wait(file, what, signal));
  try {
    return await work();
  } finally {
    await release();
  }
}

async function wait(file, what, signal) {
  say(`waiting: another process ${what}`);
  return acquire(file, [], signal);
}

/** Resolves to a function that releases the lock; to undefined if another process has it. */
function acquire(file, options, signal) {
  const holder = ['sh', '-c', 'echo locked; exec cat > /dev/null'];
  // Detached: Ctrl-C must not release a lock whose holder is still cleaning up.
  const child = spawn('flock', ['--no-fork', ...options, file, ...holder], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const abort = () => child.kill('SIGKILL');
  const release = () => {
    child.stdin.end();
    return ended;
  };
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    child.stdout.once('data', () => resolve(release));
    child.on('error', (error) => reject(new Failure(`flock of util-linux does not run: ${error.message}`)));
    ended.then((code) => {
      if (code === 1 && options.length > 0) resolve(undefined);
      else reject(new Failure(`flock ${file} ended with ${code ?? 'a signal'}`));
    });
  }).finally(() => signal.removeEventListener('abort', abort));
}
