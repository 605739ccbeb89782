import { readFile, readlink } from 'node:fs/promises';
import type { Listener } from '../../core/health/answered-ports.ts';
import type { Diagnosis } from '../../core/traffic/connections.ts';
import { parseSockets, type Socket } from '../../core/traffic/sockets.ts';
import type { Closer, Traffic } from '../../ports/traffic.ts';
import { askOnce } from './probe.ts';

/** Reads and closes the connections of a process's network namespace, from the kernel. */
export interface Sockets {
  diagnose(pid: number): Promise<Diagnosis>;
  closer(pid: number): Closer;
}

/** Traffic of containers on this machine, from the kernel and from a plain client. `local`: the engine runs here. */
export function hostTraffic(local: () => Promise<boolean>, sockets: Sockets): Traffic {
  return {
    connections: async ({ id, pid }) =>
      (await local()) && (await isProcessOf(pid, id)) ? establishedOnListeners(pid) : undefined,
    diagnose: async ({ id, pid }) => {
      if (!(await local())) return OUT_OF_REACH;
      return (await isProcessOf(pid, id)) ? sockets.diagnose(pid) : OTHER_PIDS;
    },
    closer: async ({ id, pid }) => {
      if (!(await local())) return noCloser(OUT_OF_REACH);
      return (await isProcessOf(pid, id)) ? sockets.closer(pid) : noCloser(OTHER_PIDS);
    },
    sharesNetwork: async ({ id, pid }) =>
      (await local()) && (await isProcessOf(pid, id)) ? sharesNetwork(pid) : undefined,
    listening: async ({ id, pid }) =>
      (await local()) && (await isProcessOf(pid, id)) ? listenersIn(await socketsOf(pid)) : undefined,
    reachable: askOnce,
  };
}

function noCloser(why: Extract<Diagnosis, { available: false }>): Closer {
  return { close: async () => why, end: () => {} };
}

const OUT_OF_REACH = {
  available: false,
  why: 'the engine runs elsewhere',
  advice: 'run swapctl on the machine of the engine',
} as const;
const OTHER_PIDS = {
  available: false,
  why: 'the processes of containers are out of reach',
  advice: 'run swapctl as root in the host pid namespace (docker run --pid host)',
} as const;

// A pid of the engine means another process here if the engine lives in another pid namespace.
async function isProcessOf(pid: number, containerId: string): Promise<boolean> {
  if (pid <= 0) return false;
  const cgroup = await textOf(`/proc/${pid}/cgroup`);
  return cgroup?.includes(containerId) ?? false;
}

async function sharesNetwork(pid: number): Promise<boolean | undefined> {
  try {
    return (await readlink(`/proc/${pid}/ns/net`)) === (await readlink('/proc/self/ns/net'));
  } catch {
    return undefined;
  }
}

async function socketsOf(pid: number): Promise<Socket[] | undefined> {
  const tables = await Promise.all([textOf(`/proc/${pid}/net/tcp`), textOf(`/proc/${pid}/net/tcp6`)]);
  if (tables.every((table) => table === undefined)) return undefined;
  return tables.flatMap((table) => parseSockets(table ?? ''));
}

function listenersIn(sockets: readonly Socket[] | undefined): Listener[] | undefined {
  const listening = sockets?.filter(({ state }) => state === 'listening');
  return listening?.map(({ localPort: port, loopback }) => ({ port, loopback }));
}

async function establishedOnListeners(pid: number): Promise<number | undefined> {
  const sockets = await socketsOf(pid);
  if (!sockets) return undefined;
  const listening = new Set(sockets.filter(({ state }) => state === 'listening').map((socket) => socket.localPort));
  return sockets.filter(({ state, localPort }) => state === 'open' && listening.has(localPort)).length;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
