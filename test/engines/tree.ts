// A program with everything that it starts: all of it ends when the program has ended, even what the program left behind in process
// groups of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { eventually } from '../lab/waiting.ts';

/** Inherited by all descendants, and so what they are found by. */
const MARK = 'SWAPCTL_TEST_TREE';

export interface Tree {
  /** The exit status of the program, once everything that it started is gone; null if a signal ended it. */
  ended: Promise<number | null>;
  /** Sends a signal to the program and to what it started in its own process group. */
  kill(signal: NodeJS.Signals): void;
}

export function startTree(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv, output: Writable): Tree {
  const [program = '', ...args] = command;
  const mark = randomUUID();
  const child = spawn(program, args, {
    cwd,
    env: { ...env, [MARK]: mark },
    // Ctrl-C at a terminal goes to its foreground group: the caller alone passes it on.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  return { ended: endOf(child, mark), kill: (signal) => child.pid && quietly(-child.pid, signal) };
}

async function endOf(child: ChildProcess, mark: string): Promise<number | null> {
  const closed = once(child, 'close');
  const [status] = await once(child, 'exit');
  // Again and again, as a process may start another one between the look and its own end.
  await eventually('everything that it started has ended', async () => killAll(mark) === 0);
  await closed;
  return status;
}

/** Returns how many there were. */
function killAll(mark: string): number {
  const found = marked(mark);
  for (const pid of found) quietly(pid, 'SIGKILL');
  return found.length;
}

function marked(mark: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && environmentOf(pid).includes(`${MARK}=${mark}`));
}

/** Empty for a process that has ended, also if nobody has asked for its status yet. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}

function quietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
