import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProxyAccess } from '../../../ports/proxy-access.ts';

/** Why nginx does not run with the new file, in its own words if there are any. */
export class ReloadRefused extends Error {}

/** A change that has begun: if swapctl dies, this records the servers that nginx still uses. */
export interface Pending {
  /** The worker processes that had not read the new file. */
  readonly workers: readonly number[];
  /** The text that these act on; absent if there was no file. */
  readonly text?: string | undefined;
}

const LOOK_EVERY_MS = 25;
/** How often it is looked for new workers: about 30 s. Names in a configuration may take nginx long to resolve. */
const LOOKS = 1200;

export class Reload {
  readonly #access: ProxyAccess;
  readonly #argv: readonly string[];
  readonly #signal: AbortSignal;

  constructor(access: ProxyAccess, argv: readonly string[], signal: AbortSignal) {
    [this.#access, this.#argv, this.#signal] = [access, argv, signal];
  }

  /** The worker processes that take new requests. */
  async workers(): Promise<number[]> {
    const all = await this.#access.processes(this.#signal);
    const workers = all.filter(({ title }) => title.startsWith('nginx: worker process'));
    return workers.filter(({ title }) => !title.includes('shutting down')).map(({ pid }) => pid);
  }

  /** Raises ReloadRefused if nginx finds a mistake. */
  async test(): Promise<void> {
    const { code, output } = await this.#access.run([...this.#argv, '-t'], this.#signal);
    if (code !== 0) throw new ReloadRefused(wordsOf(output));
  }

  /** Lets nginx read its configuration, and resolves once none of these workers takes a new request. */
  async run(before: readonly number[]): Promise<void> {
    await this.#access.kill('HUP', this.#signal);
    for (let looks = 0; looks < LOOKS; looks++) {
      const now = await this.workers();
      if (now.length > 0 && !now.some((pid) => before.includes(pid))) return;
      await sleep(LOOK_EVERY_MS, undefined, { signal: this.#signal });
    }
    throw new ReloadRefused('nginx started no new worker processes; its error log has the reason');
  }
}

/** Of nginx's messages the one that says what is wrong. */
export function wordsOf(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return (lines.find((line) => /\[(emerg|crit|error)\]/.test(line)) ?? lines.at(-1) ?? '').replace(
    /^.*?\] (\d+#\d+: )?/,
    '',
  );
}

/** The file that records a change in progress. */
export function pendingFile(file: string): string {
  return path.posix.join(path.posix.dirname(file), `.${path.posix.basename(file)}.swapctl-reload`);
}

export function parsePending(text: string | undefined): Pending | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Pending;
  } catch {
    return undefined;
  }
}
