import { readlink, rm } from 'node:fs/promises';
import type { ProxyAccess, ProxyProcess } from '../../../ports/proxy-access.ts';
import { namesIn, readText } from '../../files/read.ts';
import { runProgram } from '../program.ts';
import { familyOf } from './processes.ts';
import { exchangeHere, httpHere, MOST_ANSWER } from './talk.ts';
import { reaching, unreachable } from './unreachable.ts';
import { replaceFile } from './write.ts';

const RUN_WITHIN_MS = 60_000;

/**
 * A proxy that runs as processes of this machine. `program`: the name of its program. `mark`: a word in the command line of its
 * main process, such as its configuration file, if several run.
 */
export function hostAccess(program: string, mark?: string): ProxyAccess {
  const name = `${program} on this host`;
  const reach = <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => reaching(name, signal, work);
  const look = looker(program, mark);
  return {
    run: (argv, signal) => reach(signal, () => run(name, argv)),
    read: (path, signal) => reach(signal, () => absent(readText(path, { bytes: MOST_ANSWER }))),
    write: (path, text, signal) => reach(signal, () => replaceFile(path, text)),
    remove: (path, signal) => reach(signal, () => rm(path, { force: true })),
    list: (folder, signal) => reach(signal, () => absent(namesIn(folder))),
    exchange: (socket, text, signal) => reach(signal, () => exchangeHere(socket, text, signal)),
    http: (socket, request, signal) => reach(signal, () => httpHere(socket, request, signal)),
    kill: (signal, abort) =>
      reach(abort, async () => {
        const [main] = await look();
        if (main) process.kill(main.pid, `SIG${signal.replace(/^SIG/, '')}`);
      }),
    processes: (signal) => reach(signal, look),
  };
}

async function run(name: string, argv: readonly string[]): Promise<{ code: number; output: string }> {
  const [program = '', ...args] = argv;
  const ending = await runProgram(program, args, '', RUN_WITHIN_MS);
  if (ending.kind === 'missing') return { code: 127, output: `${program}: not found` };
  if (ending.kind !== 'exited') return unreachable(name, `${program} did not end by itself (${ending.kind})`);
  return { code: ending.status, output: ending.stdout + ending.stderr };
}

async function absent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

// A driver looks many times a second, and most processes of a machine are not the proxy's.
function looker(program: string, mark: string | undefined): () => Promise<ProxyProcess[]> {
  let main: ProxyProcess | undefined;
  return async () => {
    const known = main && (await familyFrom(main));
    const found = known ?? familyOf(await processesHere(), program, mark);
    main = found[0];
    return found;
  };
}

// Not every kernel lists children.
async function familyFrom({ pid, title }: ProxyProcess): Promise<ProxyProcess[] | undefined> {
  const now = await processHere(String(pid));
  const children = await absent(readText(`/proc/${pid}/task/${pid}/children`)).catch(() => undefined);
  if (now?.title !== title || children === undefined) return undefined;
  const found = await Promise.all(children.split(' ').filter(Boolean).map(processHere));
  return [now, ...found.filter((one) => one !== undefined)];
}

// Those of containers are seen here as well, and live in other PID namespaces.
async function processesHere(): Promise<ProxyProcess[]> {
  const own = await readlink('/proc/self/ns/pid');
  const pids = (await namesIn('/proc')).filter((name) => /^\d+$/.test(name));
  const isOwn = (pid: string) => readlink(`/proc/${pid}/ns/pid`).then((one) => one === own, unlessGone);
  const found = await Promise.all(pids.map(async (pid) => ((await isOwn(pid)) ? processHere(pid) : undefined)));
  return found.filter((one) => one !== undefined);
}

async function processHere(pid: string): Promise<ProxyProcess | undefined> {
  try {
    const [title, status] = await Promise.all([readText(`/proc/${pid}/cmdline`), readText(`/proc/${pid}/stat`)]);
    const parent = Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]);
    return { pid: Number(pid), parent, title: title.replace(/\0/g, ' ').trim() };
  } catch (error) {
    return unlessGone(error);
  }
}

// It has ended meanwhile, or belongs to another user.
function unlessGone(error: unknown): undefined {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) throw error;
}
