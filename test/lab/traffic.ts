// Clients of every shape at every way in: on this machine, in a network namespace, in a container.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { nodeImage } from './images.ts';
import { output } from './load-inside.ts';
import { enter } from './netns.ts';
import { eventually, inTime } from './waiting.ts';
import type { World } from './world.ts';

/** kept: connections are kept; new: one a request; slow: an answer that takes 2 s; upgrade: stands for a WebSocket; udp: datagrams. */
export type Shape =
  | { kind: 'kept' | 'new' | 'slow'; method: 'GET' | 'POST'; ratePerSecond: number }
  | { kind: 'upgrade'; connections: number }
  | { kind: 'udp'; oneSocket: boolean; ratePerSecond: number };

export type Client = Shape & {
  url: string;
  /** Resolve the name for every request, and try all its addresses. */
  byName?: boolean;
  timeoutMs?: number;
};

/** What one client met with. */
export interface Cell {
  requests: number;
  failed: number;
  /** Upgraded connections that the other side ended. */
  cut: number;
  longestGapMs: number;
  errors: Record<string, number>;
  /** Wall-clock seconds (of the minute) in which requests began that failed. */
  failedAt: number[];
  byVersion: Record<string, number>;
}

/** Cells by the names of the clients. */
export type Cells = Record<string, Cell>;

export interface Traffic {
  stop(): Promise<Cells>;
}

/** Where clients live: in a network namespace (undefined: this machine's), or in a container in a Docker network. */
export type Place = { world: World; netns: string | undefined } | { world: World; network: string };

/** Something of everything. */
export function allShapes(ratePerSecond: number): Record<string, Shape> {
  const shapes: Record<string, Shape> = {};
  for (const method of ['GET', 'POST'] as const) {
    shapes[`kept ${method}`] = { kind: 'kept', method, ratePerSecond };
    shapes[`new ${method}`] = { kind: 'new', method, ratePerSecond };
    shapes[`slow ${method}`] = { kind: 'slow', method, ratePerSecond: 1 };
  }
  return { ...shapes, upgrade: { kind: 'upgrade', connections: 2 } };
}

/** Clients of all these shapes at one address. */
export function clientsAt(at: Pick<Client, 'url' | 'byName'>, shapes: Record<string, Shape>): Record<string, Client> {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { ...shape, ...at }]));
}

/** All clients in one process. */
export function startTraffic(place: Place, clients: Record<string, Client>): Promise<Traffic> {
  const env = { CLIENTS: JSON.stringify(clients) };
  return 'network' in place ? inContainer(place, env) : inProcess(place, env);
}

let bundled: string | undefined;

// As an argument of node, so that no image has to be made and no file be mounted.
function command(): string[] {
  const entry = fileURLToPath(new URL('traffic-main.ts', import.meta.url));
  bundled ??= buildSync({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    write: false,
  }).outputFiles[0]?.text;
  return ['--input-type=module', '--eval', bundled ?? ''];
}

async function inProcess(
  { world, netns }: { world: World; netns: string | undefined },
  env: Record<string, string>,
): Promise<Traffic> {
  const [program = '', ...args] = enter(netns, [process.execPath, ...command()]);
  const child = spawn(program, args, { env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  world.after(async () => child.kill('SIGKILL'));
  await eventually('the clients have begun', async () => stderr.includes('under load'));
  return {
    async stop() {
      child.kill('SIGTERM');
      await inTime(ended, 'the clients have ended');
      if (!stdout) throw new Error(`the clients said nothing on stdout:\n${stderr}`);
      return JSON.parse(stdout);
    },
  };
}

let count = 0;

async function inContainer(
  { world, network }: { world: World; network: string },
  env: Record<string, string>,
): Promise<Traffic> {
  const container = await world.container(`traffic-${count++}`, {
    image: await nodeImage(world.docker),
    network,
    env,
    cmd: ['node', ...command()],
  });
  const begun = async () => (await output(container)).stderr.includes('under load');
  await eventually('the clients in their container have begun', begun);
  return {
    async stop() {
      await container.kill({ signal: 'SIGTERM' });
      await inTime(container.wait(), 'the clients in their container have ended');
      const { stdout, stderr } = await output(container);
      if (!stdout) throw new Error(`the clients said nothing on stdout:\n${stderr}`);
      return JSON.parse(stdout);
    },
  };
}

/** The cells of several places as lines of a table, for whoever reads the test's output. */
export function tableOf(places: Record<string, Cells>): string[] {
  const head = `${'way in'.padEnd(16)}${'client'.padEnd(32)}${['sent', 'failed', 'cut', 'gap ms'].map(column).join('')}`;
  const rows = Object.entries(places).flatMap(([place, cells]) =>
    Object.entries(cells).map(([client, { requests, failed, cut, longestGapMs, errors, failedAt }]) => {
      const why = failed > 0 ? ` ${JSON.stringify(errors)}, begun in the seconds ${failedAt.join(' ')}` : '';
      const figures = [requests, failed, cut, longestGapMs].map(column).join('');
      return `${place.padEnd(16)}${client.padEnd(32)}${figures}${why}`;
    }),
  );
  return [head, ...rows];
}

function column(content: string | number): string {
  return String(content).padStart(8);
}
