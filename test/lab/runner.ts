// A step of a workflow as GitHub's runner starts it: the built entry point in a process of its own, with INPUT_… variables
// and the files that it writes to.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { enter } from './netns.ts';
import type { Scope } from './world.ts';

const ENTRY = fileURLToPath(new URL('../../dist/action.js', import.meta.url));

export interface StepOptions {
  /** By their names in action.yml. */
  inputs: Record<string, string | undefined>;
  env?: NodeJS.ProcessEnv;
  /** Another copy of the entry point. */
  entry?: string;
  netns?: string | undefined;
  onStdout?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export interface StepResult {
  /** The exit status; -1 if a signal ended it. */
  code: number;
  log: string;
  outputs: Record<string, string>;
  state: Record<string, string>;
  summary: string;
  /** What of the log is a command, while the runner listens. */
  commands: string[];
  /** What is left in the folder for temporary files. */
  left: string[];
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it expects to be there
  report: any;
}

export interface StepRunner {
  run(options: StepOptions): Promise<StepResult>;
  /** The same step after the job, with the state that it left. */
  runPost(options: StepOptions, before: StepResult): Promise<StepResult>;
}

/** A runner with a folder for temporary files that is gone with the scope. */
export function stepRunner(t: Scope): StepRunner {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-runner-'));
  t.after(async () => rmSync(folder, { recursive: true, force: true }));
  const temporary = path.join(folder, 'temp');
  return {
    run: (options) => start(options, folder, temporary),
    runPost: (options, { state }) => {
      const kept = Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]);
      return start({ ...options, env: { ...options.env, ...Object.fromEntries(kept) } }, folder, temporary);
    },
  };
}

const FILES = ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'] as const;

async function start(options: StepOptions, folder: string, temporary: string): Promise<StepResult> {
  mkdirSync(temporary, { recursive: true });
  const files = Object.fromEntries(FILES.map((name) => [name, path.join(folder, name)]));
  for (const file of Object.values(files)) writeFileSync(file, '');
  const inputs = Object.entries(options.inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  const env = { ...process.env, ...options.env, ...files, RUNNER_TEMP: temporary, ...Object.fromEntries(inputs) };
  const [program = '', ...args] = enter(options.netns, [process.execPath, options.entry ?? ENTRY]);
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    log += text;
    options.onStdout?.(text, (signal) => void child.kill(signal));
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log += text;
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject).on('close', (status) => resolve(status ?? -1));
  });
  const text = (name: (typeof FILES)[number]) => readFileSync(files[name] ?? '', 'utf8');
  const outputs = entries(text('GITHUB_OUTPUT'));
  return {
    code,
    log,
    outputs,
    state: entries(text('GITHUB_STATE')),
    summary: text('GITHUB_STEP_SUMMARY'),
    commands: commandsOf(log),
    left: readdirSync(temporary),
    report: outputs.report ? JSON.parse(outputs.report) : undefined,
  };
}

/** `name<<delimiter`, the value, and the delimiter on a line of its own. */
function entries(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  const lines = text.split('\n');
  for (let at = 0; at < lines.length - 1; at++) {
    const [name = '', delimiter] = (lines[at] ?? '').split('<<');
    const end = lines.indexOf(delimiter ?? '', at + 1);
    if (delimiter === undefined || end < 0) throw new Error(`no entry: ${lines[at]}`);
    found[name] = lines.slice(at + 1, end).join('\n');
    at = end;
  }
  return found;
}

/** As the runner reads them: none between stop-commands and its token. */
function commandsOf(log: string): string[] {
  let token: string | undefined;
  return log.split('\n').flatMap((line) => {
    if (token !== undefined) {
      if (line === `::${token}::`) token = undefined;
      return [];
    }
    token = /^::stop-commands::(.+)$/.exec(line)?.[1];
    return token === undefined && /^\s*(::[\w-]+.*::|##\[)/.test(line) ? [line] : [];
  });
}
