// Two urls under as many requests as go through: starts closed-loop.ts in a network namespace.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { enter } from '../test/lab/netns.ts';

export interface LoopOptions {
  /** What is measured, and what it is measured against. */
  readonly urls: readonly [string, string];
  readonly workers: number;
  /** false: a new connection for every request. */
  readonly keepAlive: boolean;
  /** In each, both urls have two slices of half a second. */
  readonly turns: number;
}

export interface LoopResult {
  /** Of each url. */
  readonly perSecond: readonly [number, number];
  readonly failed: number;
  /** Those that answered at the first url. */
  readonly versions: readonly string[];
}

/** In slices, in turns, so that whatever else the machine does harms both alike. Without a namespace: this machine's. */
export async function closedLoop(netns: string | undefined, options: LoopOptions): Promise<LoopResult> {
  const entry = fileURLToPath(new URL('closed-loop.ts', import.meta.url));
  const command = [process.execPath, '--import=tsx', entry, JSON.stringify(options)];
  const [program = '', ...args] = enter(netns, command);
  const { stdout } = await promisify(execFile)(program, args);
  return JSON.parse(stdout);
}
