// Every shape of client at one address, as a process of its own: traffic.ts bundles it and says by environment what to ask.
// It prints one report a shape when it gets SIGTERM.
import dns from 'node:dns/promises';
import { type LoadReport, startLoad } from './load.ts';
import type { Cell, Shape, TrafficOptions } from './traffic.ts';
import { startUdp } from './udp.ts';
import { startUpgrades, type UpgradeReport } from './upgrade.ts';

const { url, byName, shapes }: TrafficOptions = JSON.parse(process.env.TRAFFIC ?? '');

async function addressesOf(name: string): Promise<string[]> {
  const found = await dns.lookup(name, { all: true, family: 4 });
  return found.map(({ address }) => address);
}

function start(shape: Shape): () => Promise<Cell> {
  if (shape.kind === 'udp') return startDatagrams(shape);
  const { kind, timeoutMs } = shape;
  const where = byName ? { resolve: () => addressesOf(new URL(url).hostname) } : {};
  if (kind === 'upgrade') {
    const upgrades = startUpgrades({ url, ...where, connections: shape.connections, timeoutMs });
    return async () => cellOfUpgrades(await upgrades.stop());
  }
  const path = kind === 'slow' ? '/slow?ms=3000' : '/';
  const { ratePerSecond, method } = shape;
  const load = startLoad({
    url: new URL(path, url).href,
    ...where,
    ratePerSecond,
    method,
    keepAlive: kind === 'kept',
    timeoutMs,
    connectTimeoutMs: timeoutMs,
  });
  const begunAt = Date.now();
  return async () => cellOfLoad(await load.stop(), begunAt);
}

function startDatagrams({ oneSocket, ratePerSecond }: Extract<Shape, { kind: 'udp' }>): () => Promise<Cell> {
  const { hostname: address, port } = new URL(url);
  const udp = startUdp({ address, port: Number(port), oneSocket, ratePerSecond });
  return async () => {
    const report = await udp.stop();
    return { ...report, cut: 0, failedAt: [], errors: report.failed > 0 ? { 'no answer': report.failed } : {} };
  };
}

function cellOfLoad({ requests, failed, failures, longestGapMs, byVersion }: LoadReport, begunAt: number): Cell {
  const errors = counted(failures.map(({ error }) => error));
  const failedAt = [...new Set(failures.map(({ atMs }) => Math.floor((begunAt + atMs) / 1000) % 60))];
  return { requests, failed, cut: 0, longestGapMs, errors, failedAt, byVersion };
}

function cellOfUpgrades({ opened, refused, echoes, cut, longestGapMs }: UpgradeReport): Cell {
  const errors = counted(refused);
  return { requests: opened + echoes, failed: refused.length, cut, longestGapMs, errors, failedAt: [], byVersion: {} };
}

function counted(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

const running = Object.entries(shapes).map(([name, shape]) => [name, start(shape)] as const);
process.on('SIGTERM', async () => {
  const cells = await Promise.all(running.map(async ([name, stop]) => [name, await stop()] as const));
  process.stdout.write(`${JSON.stringify(Object.fromEntries(cells))}\n`, () => process.exit(0));
});
console.error('under load');
