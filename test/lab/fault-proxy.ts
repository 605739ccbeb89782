// A proxy in front of an engine's socket: an honest one, until a test asks for a fault at one call.
import { mkdtempSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import net, { type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EngineUnderTest, engineAt } from './engine.ts';
import type { Scope } from './world.ts';

export type Fault =
  /** The engine never hears of it. */
  | { kind: 'answer'; status: 404 | 409 | 500 }
  | { kind: 'cut-before' }
  /** The engine did it, and the client does not know. */
  | { kind: 'cut-after' }
  | { kind: 'cut-middle' }
  /** No answer before the proxy is calmed; the engine never hears of it. */
  | { kind: 'stall' }
  | { kind: 'delay'; ms: number }
  /** Something happens in the moment in which the engine has done it and the client does not know; it never gets the answer. */
  | { kind: 'meanwhile'; act: () => Promise<void> }
  /** The engine is asked for something else: these fields of the JSON body are others. */
  | { kind: 'rewrite'; fields: object };

export interface Call {
  /** `GET /containers/{id}/json`: without version, query and names. */
  what: string;
  /** Whether it may change something; a command run in a container does not count as that. */
  changes: boolean;
  /** As it was asked, without query. */
  path: string;
}

export interface FaultProxy {
  /** The same engine, through the proxy. */
  engine: EngineUnderTest;
  /** Every call since the last arm, in the order in which they came. */
  calls: Call[];
  /** What was refused, where not everything is allowed. */
  denied: Call[];
  /** The first call that is meant gets the fault; forgets earlier calls. */
  arm(fault: Fault | undefined, isMeant: (call: Call, calls: readonly Call[]) => boolean): void;
  /** The call that got the fault. */
  hit(): Call | undefined;
  /** From now on everything is passed on; what is stalled is cut. */
  calm(): void;
  /** Cuts every connection that is open, as a proxy does that restarts. */
  cut(): void;
}

/** Puts a proxy in front of an engine on a unix socket; it is gone with the scope. What it does not allow gets 403. */
export async function faultProxy(
  t: Scope,
  real: EngineUnderTest,
  allows: (call: Call) => boolean = () => true,
): Promise<FaultProxy> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swtest-proxy-'));
  const socketPath = path.join(folder, 'engine.sock');
  const target = new URL(real.dockerHost).pathname;
  const calls: Call[] = [];
  const denied: Call[] = [];
  const stalled = new Set<ServerResponse>();
  let armed: { fault: Fault; isMeant: (call: Call, calls: readonly Call[]) => boolean } | undefined;
  let hit: Call | undefined;

  const server = http.createServer((request, response) => {
    response.on('error', () => {});
    const call = callOf(request);
    calls.push(call);
    if (!allows(call)) {
      denied.push(call);
      return void refuse(request, response, 403);
    }
    const fault = armed?.isMeant(call, calls) ? armed.fault : undefined;
    if (fault) [armed, hit] = [undefined, call];
    if (fault?.kind === 'stall') return void stalled.add(response);
    void serve(target, request, response, fault);
  });
  // An engine keeps connections for as long as its client does, also while that stands still.
  server.keepAliveTimeout = 0;
  server.on('upgrade', (request, socket, head) => {
    const call = callOf(request);
    if (allows(call)) return tunnel(target, request, socket, head);
    denied.push(call);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(socketPath, listening));
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  t.after(async () => {
    cut();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    engine: { ...engineAt(`unix://${socketPath}`), address: real.address, netns: real.netns },
    calls,
    denied,
    arm(fault, isMeant) {
      calls.length = 0;
      hit = undefined;
      armed = fault && { fault, isMeant };
    },
    hit: () => hit,
    cut,
    calm() {
      armed = undefined;
      for (const response of stalled) response.destroy();
      stalled.clear();
    },
  };
}

/** What can follow the name of an image in a path. */
const IMAGE_CALLS = new Set(['json', 'tag', 'push', 'history', 'get']);

function callOf({ method = 'GET', url = '/' }: IncomingMessage): Call {
  const route = url.replace(/\?.*/, '').replace(/^\/v[\d.]+/, '');
  const [, kind = '', ...rest] = route.split('/');
  const fixed = ['containers', 'images', 'volumes'].includes(kind) ? ['json', 'create'].includes(rest[0] ?? '') : false;
  // The name of an image may hold slashes.
  const isCall = kind !== 'images' || IMAGE_CALLS.has(rest.at(-1) ?? '');
  const last = rest.length > 1 && isCall ? `/${rest.at(-1)}` : '';
  const tail = rest.length === 0 ? '' : fixed ? `/${rest[0]}` : `/{id}${last}`;
  const what = `${method} /${kind}${tail}`;
  return { what, changes: method !== 'GET' && !what.includes('exec'), path: url.replace(/\?.*/, '') };
}

async function serve(
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  if (fault?.kind === 'cut-before') return void response.destroy();
  if (fault?.kind === 'answer') return refuse(request, response, fault.status);
  if (fault?.kind === 'delay') await sleep(fault.ms);
  const { method, url } = request;
  const body = fault?.kind === 'rewrite' ? await rewritten(request, fault.fields) : undefined;
  const headers = body ? { ...request.headers, 'content-length': String(body.length) } : request.headers;
  const onward = http.request({ socketPath: target, method, path: url, headers, agent: false });
  let answered = false;
  // The client of an answer without an end (events) lets go of it.
  const gone = (): void => void response.destroy();
  // An engine that answers before it has taken all closes the connection, and has its answer on the way.
  onward.on('error', () => answered || response.destroy());
  response.on('close', () => onward.destroy());
  onward.on('response', (answer) => {
    answered = true;
    if (fault?.kind === 'meanwhile') return void actAfter(answer, response, fault.act).catch(gone);
    if (fault?.kind === 'cut-after' || fault?.kind === 'cut-middle')
      return void cutAfter(answer, response, fault.kind).catch(gone);
    // That the engine closes its connection (as it does where it has not taken all of a body) says nothing of ours: ended at
    // once, it would take an answer along that the client has not read yet.
    const { connection, ...kept } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, kept);
    response.flushHeaders();
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  if (body) onward.end(body);
  else request.pipe(onward);
}

async function rewritten(request: IncomingMessage, fields: object): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.concat(chunks).toString()), ...fields }));
}

async function actAfter(answer: IncomingMessage, response: ServerResponse, act: () => Promise<void>): Promise<void> {
  for await (const _ of answer);
  await act();
  response.destroy();
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  request.resume();
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ message: 'a fault that a test asked for' }));
}

async function cutAfter(answer: IncomingMessage, response: ServerResponse, kind: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const { socket } = response;
  if (kind === 'cut-after' || !socket) return void response.destroy();
  const half = body.subarray(0, body.length / 2);
  const head = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\nContent-Length: ${body.length}\r\n`;
  // One without a body is cut in its head.
  socket.write(body.length > 0 ? `${head}\r\n` : head);
  socket.write(half, () => socket.destroy());
}

/** What becomes a raw connection (attach of the docker CLI). */
function tunnel(target: string, request: IncomingMessage, client: Duplex, head: Buffer): void {
  const engine = net.connect(target);
  const lines = [`${request.method} ${request.url} HTTP/1.1`];
  for (let at = 0; at < request.rawHeaders.length; at += 2)
    lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
  engine.write(`${lines.join('\r\n')}\r\n\r\n`);
  engine.write(head);
  engine.pipe(client).pipe(engine);
  engine.on('error', () => client.destroy());
  client.on('error', () => engine.destroy());
}
