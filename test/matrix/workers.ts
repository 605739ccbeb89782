// Processes that list and try cells, and their bundled program.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Cell } from './cell.ts';
import type { SetupName } from './setups.ts';
import type { CellsEnd, Task } from './worker.ts';

const ENTRY = fileURLToPath(new URL('worker.ts', import.meta.url));
// Some packages are in CommonJS and load Node's modules with require().
const BANNER = `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);`;
// The engine refuses often, and the stack of its error is rarely read. All cores are busy, so helper threads would only cost time.
const OPTIONS = ['--stack-trace-limit=4', '--max-semi-space-size=32', '--single-threaded-gc', '--enable-source-maps'];

export interface Worker {
  cellsOf(setup: SetupName): Promise<readonly Cell[]>;
  tryAll(cells: readonly Cell[]): Promise<CellsEnd>;
  close(): void;
}

/** Bundles the program of the workers into a folder. Through tsx it would start slower, and run slower: tsx names each closure. */
export async function bundleWorker(folder: string): Promise<string> {
  const outfile = path.join(folder, 'worker.mjs');
  await build({
    entryPoints: [ENTRY],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: BANNER },
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'error',
  });
  return outfile;
}

export function openWorker(program: string): Worker {
  const child = fork(program, [], { execArgv: OPTIONS });
  return {
    cellsOf: async (list) => (await ask(child, { list })) as Cell[],
    tryAll: async (cells) => (await ask(child, { cells })) as CellsEnd,
    close: () => void child.kill(),
  };
}

async function ask(child: ChildProcess, task: Task): Promise<unknown> {
  const over = new AbortController();
  const { signal } = over;
  try {
    const answer = once(child, 'message', { signal }).then(([message]) => message);
    const end = once(child, 'exit', { signal }).then(([code, by]) => {
      throw new Error(`a process that tries cells ended with ${code ?? by}`);
    });
    child.send(task);
    return await Promise.race([answer, end]);
  } finally {
    over.abort();
  }
}

/** Gives each task to the next idle worker; resolves with the answers, in the order of the tasks. */
export async function dealOut<T, A>(
  workers: readonly Worker[],
  tasks: readonly T[],
  work: (worker: Worker, task: T) => Promise<A>,
): Promise<A[]> {
  const left = tasks.entries();
  const answers: A[] = [];
  const drain = async (worker: Worker): Promise<void> => {
    for (const [at, task] of left) answers[at] = await work(worker, task);
  };
  await Promise.all(workers.map(drain));
  return answers;
}
