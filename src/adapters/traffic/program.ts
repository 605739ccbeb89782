import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { noteCall } from '../trace/calls.ts';

/** How a run of a program ended. */
export type Ending =
  | { readonly kind: 'exited'; readonly status: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'timeout'; readonly afterMs: number };

/** Runs a program to its end, or kills it after that time. */
export async function runProgram(
  program: string,
  args: readonly string[],
  input: string,
  withinMs: number,
): Promise<Ending> {
  const ended = noteCall('program', () => [program, ...args].join(' '));
  const ending = await run(program, args, input, withinMs);
  ended(ending.kind === 'exited' ? `exit ${ending.status}` : ending.kind);
  return ending;
}

function run(program: string, args: readonly string[], input: string, withinMs: number): Promise<Ending> {
  return new Promise((resolve) => {
    const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
    const child = spawn(program, args, { env: { ...process.env, PATH: path, LC_ALL: 'C' }, stdio: 'pipe' });
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      // What it has started may keep its output open for longer.
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      resolve({ kind: 'timeout', afterMs: withinMs });
    }, withinMs);
    const end = (ending: Ending): void => {
      clearTimeout(late);
      resolve(ending);
    };
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk) => stdout.push(chunk));
    child.stderr.on('data', (chunk) => stderr.push(chunk));
    child.on('error', (error) => end(notStarted(error)));
    child.on('close', (status, signal) => end(endingOf(status, signal, textOf(stdout), textOf(stderr))));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function notStarted(error: NodeJS.ErrnoException): Ending {
  if (error.code === 'ENOENT') return { kind: 'missing' };
  return { kind: 'exited', status: -1, stdout: '', stderr: error.message };
}

// A shell that stands before the program tells of a signal by a status above 128.
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
