// swapctl as a user meets it: the built program in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { enter } from './netns.ts';

export const SWAPCTL = fileURLToPath(new URL('../../dist/swapctl.js', import.meta.url));
const STANDSTILL = new URL('standstill.mjs', import.meta.url).href;

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
  /** Called with every line of progress, at which the whole process stands still until this has settled. */
  atLine?: (line: string, kill: (signal: NodeJS.Signals) => void) => Promise<void>;
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
  /** Reads no more of what it prints, as `| head` does. */
  hangUp(): void;
}

export function swapctl(args: string[], options: CliOptions = {}): Promise<CliResult> {
  return startSwapctl(args, options).result;
}

export function startSwapctl(args: string[], options: CliOptions = {}): RunningCli {
  const [program = '', ...rest] = enter(options.netns, [process.execPath, SWAPCTL, ...withSteps(args, options)]);
  const { atLine } = options;
  const env = options.env ?? process.env;
  const child = spawn(program, rest, {
    env: atLine ? { ...env, NODE_OPTIONS: `${env.NODE_OPTIONS ?? ''} --import=${STANDSTILL}` } : env,
    cwd: options.cwd,
    signal: options.signal,
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'pipe', ...(atLine ? (['pipe'] as const) : [])],
  });
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  if (atLine) holdAtLines(child, (line) => atLine(line, kill));
  const result = new Promise<CliResult>((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      options.onStdout?.(text);
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text;
      options.onStderr?.(text, kill);
    });
    child.on('error', (error) => error.name !== 'AbortError' && reject(error));
    child.on('close', (code, endedBy) =>
      resolve({ code: code ?? -1, endedBy, stdout, stderr, json: () => parsed(stdout, stderr) }),
    );
    // A program that ends before it has read its input closes the pipe; that's its right.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
  const hangUp = () => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  return { pid: child.pid, result, kill, hangUp };
}

/** standstill.mjs tells of one line at a time, and waits for one byte. */
// Tests that follow the progress of a roll need each step, not only the phases.
function withSteps(args: string[], { atLine, onStderr }: CliOptions): string[] {
  const rolls = ['roll', 'rollback', 'update', 'recover'].includes(args[0] ?? '');
  return rolls && (atLine || onStderr) && !args.includes('--verbose') ? [...args, '--verbose'] : args;
}

function holdAtLines(child: ChildProcess, atLine: (line: string) => Promise<void>): void {
  const process = child.stdio[3] as Duplex;
  let text = '';
  process.on('error', () => {});
  process.setEncoding('utf8').on('data', async (piece) => {
    text += piece;
    if (!text.endsWith('\n')) return;
    const line = text.trimEnd();
    text = '';
    await atLine(line).catch((error) => child.emit('error', error));
    if (child.exitCode === null && child.signalCode === null) process.write('.');
  });
}

function parsed(stdout: string, stderr: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`stdout is not one JSON document:\n${stdout}\n-- stderr:\n${stderr}`);
  }
}
