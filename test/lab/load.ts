// A load client that never retries: what it counts as failed, a user would have seen.
//
// Open loop: requests leave at a fixed rate whether or not earlier ones were answered, so that a stall of the server shows as many
// late requests and not as a pause in the load. Only a client that is late itself by more than a second leaves requests out.
import http from 'node:http';
import { eventually } from './waiting.ts';

export interface LoadOptions {
  /** `http://host:port/path`. With `resolve`, only its port and path count. */
  url: string;
  /** Addresses to try in turn, asked for anew for every request. Default: the host of the url. */
  resolve?: () => Promise<string[]>;
  ratePerSecond?: number;
  /** true: connections are kept; false: a new one per request; 'mixed': every other request. Default: true. */
  keepAlive?: boolean | 'mixed';
  method?: 'GET' | 'POST';
  /** From when on a request without an answer counts as failed. Default: a minute, as a slow answer is not a lost one. */
  timeoutMs?: number;
  /** How long one address may take to accept the connection before the next one is tried. Default: a minute. */
  connectTimeoutMs?: number;
  /** Called at the first good answer of each version. */
  onVersion?: (version: string) => void;
  /** What counts as a good answer. Default: a status below 500. */
  isGood?: (status: number) => boolean;
}

interface LoadFailure {
  atMs: number;
  endedMs: number;
  error: string;
  /** Whether the connection had carried requests before: one that its server closed in that moment is no fault of who moved the traffic. */
  reused: boolean;
}

export interface LoadReport {
  requests: number;
  failed: number;
  failures: LoadFailure[];
  /** The longest time between two good answers in a row. */
  longestGapMs: number;
  byVersion: Record<string, number>;
  /** Every good answer in order of arrival; atMs counts from the start of the load. */
  timeline: { atMs: number; version: string; tookMs: number }[];
}

export interface Load {
  /** Sends no more, waits for what is under way, and says how it went. */
  stop(): Promise<LoadReport>;
  /** How it went so far. */
  soFar(): LoadReport;
  /** Settles as soon as so many good answers (of this version) are there, and fails if they don't come. */
  until(answers: number, version?: string): Promise<void>;
}

/**
 * For how long a connection is kept that carries nothing, where requests leave at such an interval. Who serves must keep it
 * longer: a request that is on its way while its connection is closed is lost, and nobody in the middle can help that.
 */
const idleMs = (interval: number) => Math.max(300, 5 * interval);

const TIMEOUT_MS = 60_000;
const MOST_ARREARS_MS = 1000;

export function startLoad(options: LoadOptions): Load {
  const url = new URL(options.url);
  const resolve = options.resolve ?? (async () => [bare(url.hostname)]);
  const interval = 1000 / (options.ratePerSecond ?? 100);
  const agents = {
    kept: new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, timeout: idleMs(interval) }),
    fresh: new http.Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY }),
  };
  const startedAt = performance.now();
  const now = () => Math.round(performance.now() - startedAt);
  const failures: LoadFailure[] = [];
  const timeline: LoadReport['timeline'] = [];
  const versions = new Set<string>();
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  let skipped = 0;

  async function one(agent: http.Agent): Promise<void> {
    const begun = now();
    try {
      const version = await askFirstThatAnswers(await resolve(), { ...options, url, agent });
      if (!versions.has(version)) options.onVersion?.(version);
      versions.add(version);
      timeline.push({ atMs: now(), version, tookMs: now() - begun });
    } catch (error) {
      failures.push({ atMs: begun, endedMs: now(), error: describe(error), reused: reused.has(error as Error) });
    }
  }

  let timer: NodeJS.Timeout;
  let over = false;
  const tick = () => onceAllIsRead(() => over || sendWhatIsDue());
  function sendWhatIsDue(): void {
    dropEnded(agents.kept);
    // As many as are due by now: timers are late on a busy machine, and the rate shall hold all the same. What is late by more than
    // a moment is left out: a client that sends its arrears all at once keeps the machine so busy that it is late again.
    const due = Math.floor((performance.now() - startedAt) / interval) - skipped;
    skipped += Math.max(0, due - sent - Math.ceil(MOST_ARREARS_MS / interval));
    while ((sent + skipped) * interval <= performance.now() - startedAt) {
      const keep = options.keepAlive ?? true;
      const request = one((keep === 'mixed' ? sent % 2 === 0 : keep) ? agents.kept : agents.fresh);
      sent += 1;
      underWay.add(request);
      request.finally(() => underWay.delete(request));
    }
    timer = setTimeout(tick, (sent + skipped) * interval - (performance.now() - startedAt));
  }
  tick();

  const soFar = () => report(timeline, failures);
  return {
    soFar,
    async stop() {
      over = true;
      clearTimeout(timer);
      await Promise.all(underWay);
      agents.kept.destroy();
      agents.fresh.destroy();
      return soFar();
    },
    async until(answers, version) {
      const count = () => timeline.filter((answer) => !version || answer.version === version).length;
      await eventually(`${answers} good answers${version ? ` of ${version}` : ''}`, async () => count() >= answers);
    },
  };
}

const PAUSE_MS = 10;
const MOST_PAUSES = 50;

/**
 * Calls back after two turns of the event loop without a pause in them: timers come before what has arrived is read, an answer and
 * the end behind it are read in two turns, and what arrives in a pause is not read before it ends. A connection that its server
 * has closed would pass for one to use.
 */
function onceAllIsRead(then: () => void): void {
  let turns = 0;
  let pauses = 0;
  let before = performance.now();
  const turn = () => {
    const now = performance.now();
    if (now - before > PAUSE_MS && pauses++ < MOST_PAUSES) turns = 0;
    else turns += 1;
    before = now;
    if (turns < 2) setImmediate(turn);
    else then();
  };
  setImmediate(turn);
}

/** An agent takes a connection for one to use until it is closed on both sides, which is a turn after its server's end was read. */
function dropEnded(agent: http.Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) if (!socket.readable) socket.destroy();
  }
}

/** An IPv6 address stands in brackets in a url. */
export function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function report(timeline: LoadReport['timeline'], failures: LoadFailure[]): LoadReport {
  const byVersion: Record<string, number> = {};
  let longestGapMs = 0;
  timeline.forEach((answer, index) => {
    byVersion[answer.version] = (byVersion[answer.version] ?? 0) + 1;
    const before = timeline[index - 1];
    if (before) longestGapMs = Math.max(longestGapMs, answer.atMs - before.atMs);
  });
  return {
    requests: timeline.length + failures.length,
    failed: failures.length,
    failures: [...failures],
    longestGapMs,
    byVersion,
    timeline: [...timeline],
  };
}

type Ask = Omit<LoadOptions, 'url'> & { url: URL; agent: http.Agent };

/**
 * What Go, curl, nginx and others do with a name of several addresses: go on to the next one as long as no connection was
 * made. From then on the request belongs to that address, and whatever happens to it happened to the user.
 */
async function askFirstThatAnswers(addresses: string[], ask: Ask): Promise<string> {
  let last: unknown = new Error('the name has no address');
  for (const address of addresses) {
    try {
      return await askOne(address, ask);
    } catch (error) {
      last = error;
      if (!(error instanceof NotConnected)) break;
    }
  }
  throw last;
}

class NotConnected extends Error {}

/** Errors on connections that had carried requests before. */
const reused = new WeakSet<Error>();

function askOne(address: string, ask: Ask): Promise<string> {
  return new Promise((resolve, reject) => {
    const { url } = ask;
    const body = ask.method === 'POST' ? Buffer.from('{"a":1}') : undefined;
    const request = http.request({
      host: address,
      port: url.port || 80,
      path: url.pathname + url.search,
      method: ask.method ?? 'GET',
      agent: ask.agent,
      headers: {
        host: url.host,
        ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
      },
    });
    let connected = false;
    const fail = (error: Error) => {
      clearTimeout(connectTimer);
      clearTimeout(timer);
      if (request.reusedSocket) reused.add(error);
      reject(connected ? error : new NotConnected(describe(error)));
      request.destroy();
    };
    const connectTimer = setTimeout(
      () => setImmediate(() => connected || fail(new Error(`no connection to ${address} in time`))),
      ask.connectTimeoutMs ?? TIMEOUT_MS,
    );
    const timer = setTimeout(
      () => setImmediate(() => fail(new Error('no answer in time'))),
      ask.timeoutMs ?? TIMEOUT_MS,
    );
    request.on('socket', (socket) => {
      if (!socket.connecting) connected = true;
      else
        socket.once('connect', () => {
          connected = true;
        });
    });
    request.on('error', fail);
    request.on('response', (response) => {
      response.on('error', fail);
      response.on('aborted', () => fail(new Error('the answer broke off')));
      response.resume().on('end', () => {
        clearTimeout(connectTimer);
        clearTimeout(timer);
        const status = response.statusCode ?? 0;
        const isGood = ask.isGood ?? ((code) => code < 500);
        if (!response.complete) fail(new Error('the answer broke off'));
        else if (!isGood(status)) reject(new Error(`HTTP ${status}`));
        else resolve(String(response.headers['x-version'] ?? '?'));
      });
    });
    request.end(body);
  });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return code && !error.message.includes(code) ? `${code}: ${error.message}` : error.message;
}
