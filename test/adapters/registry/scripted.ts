// A scripted registry over real HTTP: for faults that a real one does not have.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { systemClock } from '../../../src/adapters/host/clock.ts';
import { registryClient } from '../../../src/adapters/registry/client.ts';
import type { Timeouts } from '../../../src/adapters/registry/http/connections.ts';
import type { Clock } from '../../../src/ports/host.ts';
import type { LoginFor, RegistryReach, Report } from '../../../src/ports/ports.ts';
import type { Registry } from '../../../src/ports/registry.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Answerer = (asked: Asked, response: ServerResponse) => void | Promise<void>;

export interface Scripted {
  /** `127.0.0.1:port`, the first part of a reference. */
  readonly host: string;
  readonly asked: Asked[];
  /** `HEAD /v2/app/manifests/1`, in the order in which they came. */
  lines(): string[];
}

/** Starts a server that is gone after the test. */
export async function scripted(t: TestContext, answer: Answerer, address = '127.0.0.1'): Promise<Scripted> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const one = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
    asked.push(one);
    await answer(one, response);
  });
  server.listen(0, address);
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const host = `${address}:${(server.address() as AddressInfo).port}`;
  return { host, asked, lines: () => asked.map(({ method, path }) => `${method} ${path}`) };
}

/** A client with only the given settings. */
export function client(
  t: TestContext,
  options: {
    loginFor?: LoginFor;
    env?: Record<string, string>;
    clock?: Clock;
    rules?: Partial<RegistryReach>;
    certs?: string;
    timeouts?: Timeouts;
    report?: Report;
  } = {},
): Registry {
  const registry = registryClient({
    loginFor: async () => undefined,
    env: {},
    clock: systemClock(),
    certs: '/nowhere/certs.d',
    report: () => {},
    ...options,
    rules: { mirrors: [], insecure: [], ...options.rules },
  });
  t.after(() => registry.close());
  return registry;
}

/** A clock that only a sleep moves, and that records the sleeps. */
export function stoppedClock(): Clock & { readonly slept: number[]; redirectAddress(ms: number): void } {
  let now = Date.UTC(2026, 0, 1);
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    monotonic: () => now,
    redirectAddress: (ms) => {
      now += ms;
    },
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
    },
  };
}

export const sha256 = (content: string): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

export interface Content {
  readonly type: string;
  readonly body: string;
  readonly digest: string;
}

const OCI = 'application/vnd.oci.image';

/** A manifest with a config that says when it was built. */
export function image(name: string, created = '2026-01-02T03:04:05Z'): { manifest: Content; config: Content } {
  const config = content('application/octet-stream', { created, architecture: 'amd64', os: 'linux', name });
  const manifest = content(`${OCI}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: { mediaType: `${OCI}.config.v1+json`, digest: config.digest, size: config.body.length },
    layers: [],
  });
  return { manifest, config };
}

/** An index of manifests by architecture. */
export function index(members: Record<string, Content>): Content {
  return content(`${OCI}.index.v1+json`, {
    schemaVersion: 2,
    mediaType: `${OCI}.index.v1+json`,
    manifests: Object.entries(members).map(([architecture, { type, digest, body }]) => ({
      mediaType: type,
      digest,
      size: body.length,
      platform: { os: 'linux', architecture },
    })),
  });
}

function content(type: string, value: unknown): Content {
  const body = JSON.stringify(value);
  return { type, body, digest: sha256(body) };
}

/** Serves contents by digest, and tags by name, as a registry without faults. */
export function serving(tags: Record<string, Content>, others: readonly Content[] = []): Answerer {
  const all = [...Object.values(tags), ...others];
  return ({ method, path }, response) => {
    const name = path.split('/').at(-1) ?? '';
    const found = tags[name] ?? all.find(({ digest }) => digest === name);
    if (!found)
      return void response
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    response.writeHead(200, {
      'content-type': found.type,
      'docker-content-digest': found.digest,
      'content-length': Buffer.byteLength(found.body),
    });
    response.end(method === 'HEAD' ? undefined : found.body);
  };
}
