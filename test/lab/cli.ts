// swapctl as a user meets it: the built program in a process of its own.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { enter } from './netns.ts';

export const SWAPCTL = fileURLToPath(new URL('../../dist/swapctl.js', import.meta.url));

export interface CliOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  input?: string;
  /** The network namespace to run in, for an engine that lives in one. */
  netns?: string | undefined;
  /** Aborting it kills the process with SIGKILL, as a power cut would. */
  signal?: AbortSignal;
  /** Gets what is printed, while it is printed. */
  onStdout?: (text: string) => void;
  /** Called with every piece of stderr, so that a test can act at a certain moment. */
  onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export interface CliResult {
  /** The exit status; -1 if a signal ended it. */
  code: number;
  endedBy: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** stdout as one JSON document. */
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it expects to be there
  json(): any;
}

export interface RunningCli {
  /** Undefined if it could not be started. */
  pid: number | undefined;
  result: Promise<CliResult>;
  kill(signal: NodeJS.Signals): void;
}

export function swapctl(args: string[], options: CliOptions = {}): Promise<CliResult> {
  return startSwapctl(args, options).result;
}

export function startSwapctl(args: string[], options: CliOptions = {}): RunningCli {
  const [program = '', ...rest] = enter(options.netns, [process.execPath, SWAPCTL, ...args]);
  const child = spawn(program, rest, {
    env: options.env ?? process.env,
    cwd: options.cwd,
    signal: options.signal,
    killSignal: 'SIGKILL',
  });
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  const result = new Promise<CliResult>((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      options.onStdout?.(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
      options.onStderr?.(text, kill);
    });
    child.on('error', (error) => error.name !== 'AbortError' && reject(error));
    child.on('close', (code, endedBy) =>
      resolve({ code: code ?? -1, endedBy, stdout, stderr, json: () => parsed(stdout, stderr) }),
    );
    // A program that ends before it has read its input closes the pipe; that's its right.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
  return { pid: child.pid, result, kill };
}

function parsed(stdout: string, stderr: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`stdout is not one JSON document:\n${stdout}\n-- stderr:\n${stderr}`);
  }
}
