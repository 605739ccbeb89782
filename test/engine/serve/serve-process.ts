// swapctl serve as a process of its own, and requests over its unix socket.

import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { type CliResult, startSwapctl } from '../../lab/cli.ts';
import { eventually } from '../../lab/waiting.ts';
import type { World } from '../../lab/world.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it expects to be there
  readonly json: any;
  readonly text: string;
}

export interface ServeProcess {
  readonly socket: string;
  call(target: string, given?: Call): Promise<Answer>;
  /** The text of a stream of events, once it matches. */
  stream(target: string, until: RegExp): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  readonly end: Promise<CliResult>;
  readonly said: () => string;
}

interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A folder for sockets that is gone with the world. */
export function socketFolder(world: World): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-serve-'));
  world.after(async () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts the server for these services, and resolves once it answers. */
export async function startServe(
  world: World,
  folder: string,
  services: readonly string[],
  options: readonly string[] = [],
): Promise<ServeProcess> {
  const socket = path.join(folder, 'swapctl.sock');
  let text = '';
  const process = startSwapctl(['--json', 'serve', ...services, '--listen', `unix://${socket}`, ...options], {
    env: world.env,
    onStdout: (more) => {
      text += more;
    },
  });
  world.after(async () => {
    process.kill('SIGKILL');
    await process.result;
  });
  const call = (target: string, given: Call = {}): Promise<Answer> => ask(socket, target, given);
  await eventually(`serve is ready: ${text}`, async () => {
    const { status } = await call('/readyz').catch(() => ({ status: 0 }));
    return status === 200;
  });
  return {
    socket,
    call,
    stream: (target, until) => streamOf(socket, target, until),
    kill: process.kill,
    end: process.result,
    said: () => text,
  };
}

export function ask(
  socketPath: string,
  target: string,
  { method = 'GET', headers = {}, body }: Call = {},
): Promise<Answer> {
  const sent = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const type = sent === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const options = { socketPath, path: target, method, headers: { ...type, ...headers } };
    const request = httpRequest(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more) => {
        text += more;
      });
      response.on('error', reject);
      response.on('end', () => {
        const isJson = String(response.headers['content-type']).includes('json');
        const json = isJson ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    request.on('error', reject).end(sent);
  });
}

function streamOf(socketPath: string, target: string, until: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const request = httpRequest({ socketPath, path: target }, (response) => {
      response.setEncoding('utf8').on('data', (more) => {
        text += more;
        if (!until.test(text)) return;
        resolve(text);
        request.destroy();
      });
      response.on('end', () => resolve(text));
    });
    request.on('error', reject).end();
  });
}
