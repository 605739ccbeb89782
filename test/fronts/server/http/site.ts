// The API on a real socket, over an engine in memory with accelerated time.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { NO_SERVER, type ServerConfig } from '../../../../src/core/access/server-config.ts';
import type { Progress } from '../../../../src/core/report/progress.ts';
import { openServer, type Server } from '../../../../src/fronts/server/serve.ts';
import { type JobWorld, jobWorld } from '../../../app/jobs/world.ts';
import type { Process, ProcessOptions } from '../../../memory/process.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it expects to be there
  readonly json: any;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Site {
  readonly world: JobWorld;
  readonly process: Process;
  readonly server: Server;
  readonly folder: string;
  readonly place: Place;
  readonly audit: string[];
  readonly log: string[];
  /** All progress, with the job that it was reported for. */
  readonly reported: readonly { readonly progress: Progress; readonly job: string | undefined }[];
  call(path: string, call?: Call): Promise<Answer>;
}

/** Opens the API for services on an engine in memory; `config` is the server section of swapctl.yml. */
export async function siteOf(
  t: TestContext,
  services: readonly string[],
  config: (folder: string) => Partial<ServerConfig> = () => ({}),
  options: ProcessOptions = {},
): Promise<Site> {
  const world = await jobWorld(services);
  const pumping = world.machine.clock.run(
    new Promise<void>((resolve) => t.signal.addEventListener('abort', () => resolve())),
    true,
  );
  pumping.catch(() => {});
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-api-'));
  const site = await siteOn(t, { world, folder, config: config(folder) }, options);
  t.after(() => rmSync(folder, { recursive: true }));
  return site;
}

/** Ends the server of a site, and starts another one on the same engine with the same configuration. */
export async function restarted(t: TestContext, { server, place }: Site): Promise<Site> {
  await server.close();
  return siteOn(t, place, {});
}

interface Place {
  readonly world: JobWorld;
  readonly folder: string;
  readonly config: Partial<ServerConfig>;
}

async function siteOn(t: TestContext, place: Place, options: ProcessOptions): Promise<Site> {
  const { world, folder, config } = place;
  const { process } = world.open(options);
  const socket = path.join(folder, 'api.sock');
  const [audit, log, reported]: [string[], string[], Site['reported'][number][]] = [[], [], []];
  const ending = new AbortController();
  const server = await openServer({
    version: '1.2.3',
    config: { ...NO_SERVER, listen: [{ kind: 'unix', path: socket }], ...config },
    open: async () => ({ app: process.app, close: () => {} }),
    selectors: [],
    log: { write: (level, text) => void log.push(`${level} ${text}`) },
    report: (progress, job) => void reported.push({ progress, job }),
    auditSink: (line) => void audit.push(line),
    clock: world.machine.clock,
    request: {},
    newId: process.ports.host.randomId,
    signal: ending.signal,
  });
  t.after(async () => {
    ending.abort();
    await server.close();
  });
  const call = (target: string, given: Call = {}): Promise<Answer> => ask({ socketPath: socket }, target, given);
  return { world, process, server, folder, place, audit, log, reported, call };
}

/** One request, written as it is. */
export function ask(
  where: { socketPath: string } | { port: number },
  target: string,
  { method = 'GET', headers = {}, body }: Call,
): Promise<Answer> {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const type = text === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { ...where, agent: false, path: target, method, headers: { ...type, ...headers } },
      (response) => {
        let read = '';
        response.setEncoding('utf8').on('data', (more) => {
          read += more;
        });
        response.on('end', () =>
          resolve({ ...answerOf(read), status: response.statusCode ?? 0, headers: response.headers }),
        );
      },
    );
    request.on('error', reject).end(text);
  });
}

function answerOf(text: string): Pick<Answer, 'text' | 'json'> {
  try {
    return { text, json: JSON.parse(text) };
  } catch {
    return { text, json: undefined };
  }
}

export function tokenFile(folder: string, lines: readonly string[]): string {
  const file = path.join(folder, 'tokens');
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

/** A promise that a test resolves. */
export function latch<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
