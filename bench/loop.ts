// Starts closed-loop.ts in a network namespace.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { enter } from '../test/lab/netns.ts';

export interface LoopOptions {
  readonly url: string;
  readonly workers: number;
  /** false: a new connection for every request. */
  readonly keepAlive: boolean;
  /** Not counted. */
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface LoopResult {
  readonly perSecond: number;
  readonly failed: number;
  /** Those that answered. */
  readonly versions: readonly string[];
}

/** Without a namespace: this machine's. */
export async function closedLoop(netns: string | undefined, options: LoopOptions): Promise<LoopResult> {
  const entry = fileURLToPath(new URL('closed-loop.ts', import.meta.url));
  const command = [process.execPath, '--import=tsx', entry, JSON.stringify(options)];
  const [program = '', ...args] = enter(netns, command);
  const { stdout } = await promisify(execFile)(program, args);
  return JSON.parse(stdout);
}
