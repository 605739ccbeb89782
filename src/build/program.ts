import { spawn } from 'node:child_process';

export type Env = Readonly<Record<string, string | undefined>>;

/** How a program is run. */
export interface ProgramRun {
  readonly env: Env;
  readonly cwd?: string | undefined;
  /** Written to its standard input. */
  readonly input?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface ProgramEnd {
  /** Undefined: there is no such program, or a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  /** The last lines of stderr. */
  readonly stderr: readonly string[];
}

const LAST_LINES = 200;

/**
 * Runs a program to its end. When the signal aborts it is ended with all that it started, which a terminal's Ctrl-C does not
 * reach: it is we who decide.
 */
export function runProgram(program: string, args: readonly string[], run: ProgramRun): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: run.cwd, env: { ...run.env }, detached: true });
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
    });
    child.stderr.setEncoding('utf8').on('data', stderr.push);
    const end = (): void => killGroup(child.pid);
    run.signal?.addEventListener('abort', end, { once: true });
    if (run.signal?.aborted) end();
    const done = (code: number | undefined): void => {
      run.signal?.removeEventListener('abort', end);
      stderr.end();
      resolve({ code, stdout, stderr: lines });
    };
    child.on('error', () => done(undefined)).on('close', (code) => done(code ?? undefined));
    child.stdin.on('error', () => {});
    child.stdin.end(run.input ?? '');
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
}

function lineSplitter(onLine: (line: string) => void): { push(text: string): void; end(): void } {
  let rest = '';
  return {
    push: (text) => {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      lines.forEach(onLine);
    },
    end: () => {
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}
