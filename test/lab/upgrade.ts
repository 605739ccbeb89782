// Connections that outlive their request, as WebSockets do: each says something now and then and waits for the echo.
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { bare } from './load.ts';

const SAY_EVERY_MS = 200;
const AGAIN_AFTER_MS = 20;

export interface UpgradeReport {
  /** Connections that were asked for, and of these the ones that never came about. */
  opened: number;
  refused: string[];
  echoes: number;
  /** Connections that the other side ended, one way or the other. */
  cut: number;
  longestGapMs: number;
}

export interface Upgrades {
  stop(): Promise<UpgradeReport>;
}

export interface UpgradeOptions {
  url: string;
  resolve?: () => Promise<string[]>;
  connections: number;
  timeoutMs: number;
}

/** Keeps so many connections open; one that was ended is opened anew. */
export function startUpgrades(options: UpgradeOptions): Upgrades {
  const report: UpgradeReport = { opened: 0, refused: [], echoes: 0, cut: 0, longestGapMs: 0 };
  const stopping = new AbortController();
  const all = Array.from({ length: options.connections }, () => keepOpen(options, report, stopping.signal));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(all);
      return report;
    },
  };
}

async function keepOpen(options: UpgradeOptions, report: UpgradeReport, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    report.opened += 1;
    try {
      const socket = await openFirst(options);
      await converse(socket, report, stopping);
    } catch (error) {
      report.refused.push(error instanceof Error ? error.message : String(error));
    }
    await sleep(AGAIN_AFTER_MS);
  }
}

/** Like load.ts: on to the next address as long as nobody accepted the connection. */
async function openFirst(options: UpgradeOptions): Promise<Duplex> {
  const { hostname } = new URL(options.url);
  const addresses = options.resolve ? await options.resolve() : [bare(hostname)];
  let last: unknown = new Error('the name has no address');
  for (const address of addresses) {
    try {
      return await open(address, options);
    } catch (error) {
      last = error;
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') break;
    }
  }
  throw last;
}

function open(address: string, { url, timeoutMs }: UpgradeOptions): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const { port, host } = new URL(url);
    const request = http.get({
      host: address,
      port: port || 80,
      path: '/',
      agent: false,
      headers: { host, connection: 'Upgrade', upgrade: 'echo' },
    });
    const timer = setTimeout(() => request.destroy(new Error('no answer in time')), timeoutMs);
    request.on('upgrade', (_, socket) => {
      clearTimeout(timer);
      resolve(socket);
    });
    request.on('response', (response) => {
      clearTimeout(timer);
      response.resume();
      reject(new Error(`HTTP ${response.statusCode} instead of an upgrade`));
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

function converse(socket: Duplex, report: UpgradeReport, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let heardAt = performance.now();
    const say = setInterval(() => socket.write('.'), SAY_EVERY_MS);
    const end = (cut: boolean) => {
      if (cut) report.cut += 1;
      clearInterval(say);
      stopping.removeEventListener('abort', leave);
      socket
        .removeAllListeners()
        .on('error', () => {})
        .destroy();
      resolve();
    };
    const leave = () => end(false);
    // One that came about after the stop would be told of it no more, and go on for as long as the other side does.
    if (stopping.aborted) return leave();
    stopping.addEventListener('abort', leave);
    socket.on('data', (echo: Buffer) => {
      report.echoes += echo.length;
      report.longestGapMs = Math.max(report.longestGapMs, Math.round(performance.now() - heardAt));
      heardAt = performance.now();
    });
    socket
      .on('end', () => end(true))
      .on('error', () => end(true))
      .on('close', () => end(true));
  });
}
