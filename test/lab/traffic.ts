// Clients of every shape at every way in: on this machine, in a network namespace, in a container.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { nodeImage } from './images.ts';
import { output } from './load-inside.ts';
import { enter } from './netns.ts';
import { eventually, type World } from './world.ts';

/** kept: connections are kept; new: one a request; slow: an answer that takes 3 s; upgrade: stands for a WebSocket; udp: datagrams. */
export type Shape =
  | { kind: 'kept' | 'new' | 'slow'; method: 'GET' | 'POST'; ratePerSecond: number; timeoutMs: number }
  | { kind: 'upgrade'; connections: number; timeoutMs: number }
  | { kind: 'udp'; oneSocket: boolean; ratePerSecond: number };

export interface TrafficOptions {
  url: string;
  /** Resolve the name for every request, and try all its addresses. */
  byName?: boolean;
  shapes: Record<string, Shape>;
}

/** What one shape of client met with at one way in. */
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

export interface Traffic {
  stop(): Promise<Record<string, Cell>>;
}

/** Where a client lives: on this machine, in one of its network namespaces, or in a container in a Docker network. */
export type Place = { world: World; netns: string | undefined } | { world: World; network: string };

/** Short enough for every test run, and yet something of everything. */
export function allShapes(ratePerSecond: number, timeoutMs = 20_000): Record<string, Shape> {
  const shapes: Record<string, Shape> = {};
  for (const method of ['GET', 'POST'] as const) {
    shapes[`kept ${method}`] = { kind: 'kept', method, ratePerSecond, timeoutMs };
    shapes[`new ${method}`] = { kind: 'new', method, ratePerSecond, timeoutMs };
    shapes[`slow ${method}`] = { kind: 'slow', method, ratePerSecond: 1, timeoutMs };
  }
  return { ...shapes, upgrade: { kind: 'upgrade', connections: 2, timeoutMs } };
}

export function startTraffic(place: Place, options: TrafficOptions): Promise<Traffic> {
  return 'network' in place ? inContainer(place, options) : inProcess(place, options);
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
  options: TrafficOptions,
): Promise<Traffic> {
  const [program = '', ...args] = enter(netns, [process.execPath, ...command()]);
  const child = spawn(program, args, { env: { ...process.env, TRAFFIC: JSON.stringify(options) } });
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
      await ended;
      if (!stdout) throw new Error(`the clients said nothing on stdout:\n${stderr}`);
      return JSON.parse(stdout);
    },
  };
}

let count = 0;

async function inContainer(
  { world, network }: { world: World; network: string },
  options: TrafficOptions,
): Promise<Traffic> {
  const container = await world.container(`traffic-${count++}`, {
    image: await nodeImage(world.docker),
    network,
    env: { TRAFFIC: JSON.stringify(options) },
    cmd: ['node', ...command()],
  });
  await eventually('the clients in their container have begun', async () =>
    (await output(container)).stderr.includes('under load'),
  );
  return {
    async stop() {
      await container.kill({ signal: 'SIGTERM' });
      await container.wait();
      const { stdout, stderr } = await output(container);
      if (!stdout) throw new Error(`the clients said nothing on stdout:\n${stderr}`);
      return JSON.parse(stdout);
    },
  };
}

/** The cells as lines of a table, for whoever reads the test's output. */
export function tableOf(ways: Record<string, Record<string, Cell>>): string[] {
  return Object.entries(ways).flatMap(([way, cells]) =>
    Object.entries(cells).map(([shape, { requests, failed, cut, longestGapMs, errors, failedAt }]) => {
      const why = failed > 0 ? ` ${JSON.stringify(errors)}, begun in the seconds ${failedAt.join(' ')}` : '';
      const figures = [requests, failed, cut, longestGapMs].map((figure) => String(figure).padStart(7)).join('');
      return `${way.padEnd(16)}${shape.padEnd(12)}${figures}${why}`;
    }),
  );
}

export const TABLE_HEAD = `${'way in'.padEnd(16)}${'client'.padEnd(12)}${['requests', 'failed', 'cut', 'gap ms'].map((head) => head.padStart(7)).join('')}`;
