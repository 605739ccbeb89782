import { spawn } from 'node:child_process';

export type Env = Readonly<Record<string, string | undefined>>;

/** The options of a run. */
export interface ProgramRun {
  readonly env: Env;
  readonly cwd?: string | undefined;
  /** Written to its standard input. */
  readonly input?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
  /** The maximum of memory, in bytes. */
  readonly memory?: number | undefined;
}

export interface ProgramEnd {
  /** Undefined: there is no such program, or a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  /** The last lines of stderr. */
  readonly stderr: readonly string[];
}

const LAST_LINES = 200;
const LONGEST_LINE = 64 * 1024;
const MOST_STDOUT = 64 * 1024 * 1024;
// A program that ignores SIGTERM hangs, for example on a pipe without a writer.
const GRACE_MS = 5000;

/**
 * Runs a program to its end. An abort of the signal ends it with all its children, which a terminal's Ctrl-C does not reach:
 * swapctl decides. Endless output ends it, too.
 */
export function runProgram(program: string, args: readonly string[], run: ProgramRun): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const [file, ...rest] = run.memory === undefined ? [program, ...args] : limited(run.memory, program, args);
    const child = spawn(file, rest, { cwd: run.cwd, env: { ...run.env }, detached: true });
    const lines: string[] = [];
    let stdout = '';
    const take = (line: string): void => {
      lines.push(line);
      if (lines.length > LAST_LINES) lines.shift();
      run.onLine?.(line);
    };
    const stderr = lineSplitter(take);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.length > MOST_STDOUT) end();
    });
    child.stderr.setEncoding('utf8').on('data', stderr.push);
    let grace: NodeJS.Timeout | undefined;
    const end = (): void => {
      killGroup(child.pid, 'SIGTERM');
      grace ??= setTimeout(() => killGroup(child.pid, 'SIGKILL'), GRACE_MS);
    };
    run.signal?.addEventListener('abort', end, { once: true });
    if (run.signal?.aborted) end();
    const done = (code: number | undefined): void => {
      run.signal?.removeEventListener('abort', end);
      clearTimeout(grace);
      stderr.end();
      resolve({ code, stdout, stderr: lines });
    };
    child
      .on('error', () => done(undefined))
      .on('close', (code) => done(run.memory !== undefined && code === ABSENT ? undefined : (code ?? undefined)));
    child.stdin.on('error', () => {});
    child.stdin.end(run.input ?? '');
  });
}

// A shell's exit status for a missing program.
const ABSENT = 127;

// A limit on data, not on addresses: Go reserves far more of those than it uses. If the limit can't be set, there is none.
function limited(bytes: number, program: string, args: readonly string[]): [string, ...string[]] {
  const script = 'ulimit -d "$1" 2>/dev/null; shift; command -v "$1" >/dev/null || exit 127; exec "$@"';
  return ['/bin/sh', '-c', script, 'sh', String(Math.floor(bytes / 1024)), program, ...args];
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

function lineSplitter(onLine: (line: string) => void): { push(text: string): void; end(): void } {
  let rest = '';
  return {
    push: (text) => {
      const lines = (rest + text).split(/\r?\n/);
      rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
      lines.forEach(onLine);
    },
    end: () => {
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}
