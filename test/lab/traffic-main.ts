// Clients of several shapes as a process of their own: traffic.ts bundles it and says by environment what to ask.
// It prints one report a client when it gets SIGTERM.
import dns from 'node:dns/promises';
import os from 'node:os';
import { bare, type LoadReport, startLoad } from './load.ts';
import type { Cell, Client, Shape } from './traffic.ts';
import { startUdp } from './udp.ts';
import { startUpgrades } from './upgrade.ts';

const TIMEOUT_MS = 60_000;

async function addressesOf(name: string): Promise<string[]> {
  const found = await dns.lookup(name, { all: true, family: 4 });
  return found.map(({ address }) => address);
}

function start(client: Client): () => Promise<Cell> {
  const { kind, url, byName, timeoutMs = TIMEOUT_MS } = client;
  const where = { url, timeoutMs, ...(byName && { resolve: () => addressesOf(new URL(url).hostname) }) };
  if (kind === 'upgrade') return openConnections(where, client);
  return kind === 'udp' ? sendDatagrams(url, client) : sendRequests(where, client);
}

interface Where {
  url: string;
  timeoutMs: number;
  resolve?: () => Promise<string[]>;
}

type Requests = Extract<Shape, { method: string }>;

function sendRequests(where: Where, { kind, method, ratePerSecond }: Requests): () => Promise<Cell> {
  const url = new URL(kind === 'slow' ? '/slow?ms=2000' : '/', where.url).href;
  const timeouts = { timeoutMs: where.timeoutMs, connectTimeoutMs: where.timeoutMs };
  const load = startLoad({ ...where, ...timeouts, url, ratePerSecond, method, keepAlive: kind === 'kept' });
  const begunAt = Date.now();
  return async () => cellOf(await load.stop(), begunAt);
}

function cellOf({ requests, failed, failures, longestGapMs, byVersion }: LoadReport, begunAt: number): Cell {
  const errors = counted(failures.map(({ error }) => error));
  const failedAt = [...new Set(failures.map(({ atMs }) => Math.floor((begunAt + atMs) / 1000) % 60))];
  return { requests, failed, cut: 0, longestGapMs, errors, failedAt, byVersion };
}

function openConnections(where: Where, { connections }: Extract<Shape, { kind: 'upgrade' }>): () => Promise<Cell> {
  const upgrades = startUpgrades({ ...where, connections });
  return async () => {
    const { opened, refused, echoes, cut, longestGapMs } = await upgrades.stop();
    const errors = counted(refused);
    return {
      requests: opened + echoes,
      failed: refused.length,
      cut,
      longestGapMs,
      errors,
      failedAt: [],
      byVersion: {},
    };
  };
}

function sendDatagrams(
  url: string,
  { oneSocket, ratePerSecond }: Extract<Shape, { kind: 'udp' }>,
): () => Promise<Cell> {
  const { hostname, port } = new URL(url);
  const udp = startUdp({ address: bare(hostname), port: Number(port), oneSocket, ratePerSecond });
  return async () => {
    const report = await udp.stop();
    return { ...report, cut: 0, failedAt: [], errors: report.failed > 0 ? { 'no answer': report.failed } : {} };
  };
}

function counted(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

// On a busy machine its own stalls would look like those of the applications. Only root outside of containers may do this.
try {
  os.setPriority(-10);
} catch {
  // Then it waits its turn like everything else.
}

const clients: Record<string, Client> = JSON.parse(process.env.CLIENTS ?? '{}');
const running = Object.entries(clients).map(([name, client]) => [name, start(client)] as const);
process.on('SIGTERM', async () => {
  const cells = await Promise.all(running.map(async ([name, stop]) => [name, await stop()] as const));
  process.stdout.write(`${JSON.stringify(Object.fromEntries(cells))}\n`, () => process.exit(0));
});
console.error('under load');
