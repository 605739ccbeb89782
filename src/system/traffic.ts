import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { connect } from 'node:net';
import type { Diagnosis } from '../core/connections.ts';
import { parseSockets } from '../core/sockets.ts';
import type { Traffic } from '../ports.ts';

/** Asks the kernel about the connections to the listening ports of a process' network namespace. */
export type Diagnose = (pid: number) => Promise<Diagnosis>;

/** Traffic of containers on this machine, as the kernel and a plain client see it. `local`: the engine runs here. */
export function hostTraffic(local: () => Promise<boolean>, diagnose: Diagnose): Traffic {
  return {
    connections: async ({ id, pid }) =>
      (await local()) && (await isProcessOf(pid, id)) ? establishedOnListeners(pid) : undefined,
    diagnose: async ({ id, pid }) => {
      if (!(await local())) return OUT_OF_REACH;
      return (await isProcessOf(pid, id)) ? diagnose(pid) : OTHER_PIDS;
    },
    reachable: (address, timeoutMs) =>
      address.path === undefined ? accepts(address, timeoutMs) : answers(address, address.path, timeoutMs),
  };
}

const OUT_OF_REACH: Diagnosis = {
  available: false,
  why: 'the engine runs elsewhere',
  advice: 'run swapctl on the machine of the engine',
};
const OTHER_PIDS: Diagnosis = {
  available: false,
  why: 'the processes of containers are out of reach',
  advice: 'run swapctl as root in the host pid namespace (docker run --pid host)',
};

// A pid of the engine's means something else here if the engine lives in another pid namespace.
async function isProcessOf(pid: number, containerId: string): Promise<boolean> {
  if (pid <= 0) return false;
  const cgroup = await textOf(`/proc/${pid}/cgroup`);
  return cgroup?.includes(containerId) ?? false;
}

async function establishedOnListeners(pid: number): Promise<number | undefined> {
  const tables = await Promise.all([textOf(`/proc/${pid}/net/tcp`), textOf(`/proc/${pid}/net/tcp6`)]);
  if (tables.every((table) => table === undefined)) return undefined;
  const sockets = tables.flatMap((table) => parseSockets(table ?? ''));
  const listening = new Set(sockets.filter(({ state }) => state === 'listening').map((socket) => socket.localPort));
  return sockets.filter(({ state, localPort }) => state === 'open' && listening.has(localPort)).length;
}

function answers(
  address: { host: string; port: number },
  path: string,
  timeoutMs: number,
): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    const request = get({ ...address, path, timeout: timeoutMs, agent: false, localPort: probePort() }, (response) => {
      response.resume();
      resolve({ ok: (response.statusCode ?? 500) < 400, output: `HTTP ${response.statusCode} from ${path}` });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on('error', (error) => resolve({ ok: false, output: error.message }));
  });
}

function accepts(address: { host: string; port: number }, timeoutMs: number): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: timeoutMs, localPort: probePort() });
    const end = (ok: boolean, output: string): void => {
      socket.destroy();
      resolve({ ok, output });
    };
    socket.on('connect', () => end(true, `port ${address.port} accepts connections`));
    socket.on('timeout', () => end(false, `no answer within ${timeoutMs} ms`));
    socket.on('error', (error) => end(false, error.message));
  });
}

// Probes come from ports of their own, so that a container that is kept shut until it is healthy can tell them from
// traffic (src/traffic/gate.ts); one after the other, since a port that was just used rests for a while.
const FIRST_PROBE_PORT = 61_000;
const PROBE_PORTS = 1000;
let probes = Math.floor(Math.random() * PROBE_PORTS);

function probePort(): number {
  probes = (probes + 1) % PROBE_PORTS;
  return FIRST_PROBE_PORT + probes;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
