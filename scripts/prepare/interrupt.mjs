// Ctrl-C during a preparation: the programs that run are ended first, then the caller cleans up behind them.
import { spawn } from 'node:child_process';
import { Failure } from '../shell.mjs';

/** Runs `work` with a signal that SIGINT and SIGTERM abort; fails with exit status 130 if one of them came. */
export async function interruptible(work) {
  const abort = new AbortController();
  const onSignal = () => abort.abort();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await work(abort.signal);
  } catch (error) {
    throw abort.signal.aborted ? Object.assign(new Failure('interrupted'), { status: 130 }) : error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/**
 * Returns `run(command, args, options)` for programs in process groups of their own, which resolves to stdout. The signal kills
 * the whole group, and the promise settles only when no program of it writes any more.
 */
export function runnerUntil(signal) {
  return (command, args, options = {}) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new Failure('interrupted'));
      const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options, detached: true });
      const output = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'])
        child[name].setEncoding('utf8').on('data', (text) => {
          output[name] += text;
        });
      const kill = () => killGroup(child.pid);
      signal.addEventListener('abort', kill, { once: true });
      child.on('error', (error) => reject(new Failure(`${command}: ${error.message}`)));
      child.on('close', (code, by) => {
        signal.removeEventListener('abort', kill);
        if (code === 0) return resolve(output.stdout);
        const how = by ? `was ended by ${by}` : `failed with status ${code}`;
        reject(new Failure(`\`${[command, ...args].join(' ')}\` ${how}\n${output.stdout}${output.stderr}`.trimEnd()));
      });
    });
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
