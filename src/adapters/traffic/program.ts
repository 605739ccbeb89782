import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { noteCall } from '../trace/calls.ts';

/** How a run of a program ended. */
export type Ending =
  | { readonly kind: 'exited'; readonly status: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'timeout'; readonly afterMs: number };

/** A program that runs and waits for its input. */
export interface Started {
  /** Gives it the rest of its input, and waits for its end, or kills it after that time. */
  finish(input: string, withinMs: number): Promise<Ending>;
  kill(): void;
}

/** Runs a program to its end, or kills it after that time. */
export function runProgram(program: string, args: readonly string[], input: string, withinMs: number): Promise<Ending> {
  return startProgram(program, args, '').finish(input, withinMs);
}

/** Starts a program, and gives it the beginning of its input. */
export function startProgram(program: string, args: readonly string[], input: string): Started {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  const told = noteCall('program', () => [program, ...args].join(' '));
  const child = spawn(program, args, { env: { ...process.env, PATH: path, LC_ALL: 'C' }, stdio: 'pipe' });
  child.stdin.on('error', () => {});
  if (input !== '') child.stdin.write(input);
  const ended = endOf(child);
  return {
    finish: async (rest, withinMs) => {
      child.stdin.end(rest);
      const ending = await within(child, ended, withinMs);
      told(ending.kind === 'exited' ? `exit ${ending.status}` : ending.kind);
      return ending;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function endOf(child: ChildProcessWithoutNullStreams): Promise<Ending> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk) => stdout.push(chunk));
  child.stderr.on('data', (chunk) => stderr.push(chunk));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(notStarted(error)));
    child.on('close', (status, signal) => resolve(endingOf(status, signal, textOf(stdout), textOf(stderr))));
  });
}

function within(child: ChildProcessWithoutNullStreams, ended: Promise<Ending>, ms: number): Promise<Ending> {
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      // Its children may keep its output open for longer.
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      resolve({ kind: 'timeout', afterMs: ms });
    }, ms);
    void ended.then((ending) => {
      clearTimeout(late);
      resolve(ending);
    });
  });
}

function notStarted(error: NodeJS.ErrnoException): Ending {
  if (error.code === 'ENOENT') return { kind: 'missing' };
  return { kind: 'exited', status: -1, stdout: '', stderr: error.message };
}

// A shell around the program reports a signal as a status above 128.
function endingOf(status: number | null, signal: string | null, stdout: string, stderr: string): Ending {
  const told = signal ?? (status === null ? undefined : signalOf(status - 128));
  if (told !== undefined) return { kind: 'killed', signal: told };
  return { kind: 'exited', status: status ?? -1, stdout, stderr };
}

function signalOf(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}
