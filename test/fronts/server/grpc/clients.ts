// Clients of the gRPC API of a site, over its unix socket and over TLS.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { type Client, ConnectError, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { ErrorInfoSchema } from '#proto/google/rpc/error_details_pb';
import { Health } from '#proto/grpc/health/v1/health_pb';
import { type JobEvent, RollService } from '#proto/swapctl/v1/roll_service_pb';
import { ServiceService } from '#proto/swapctl/v1/service_service_pb';
import { parseScope } from '../../../../src/core/access/scope.ts';
import type { ServerConfig } from '../../../../src/core/access/server-config.ts';
import { openTokenDesk } from '../../../../src/fronts/server/access/desk.ts';
import type { ProcessOptions } from '../../../memory/process.ts';
import { type Site, siteOf, tokenFile } from '../http/site.ts';

export interface Clients {
  readonly rolls: Client<typeof RollService>;
  readonly services: Client<typeof ServiceService>;
  readonly health: Client<typeof Health>;
}

export function clientsOf(transport: Transport): Clients {
  return {
    rolls: createClient(RollService, transport),
    services: createClient(ServiceService, transport),
    health: createClient(Health, transport),
  };
}

/** A site with clients over gRPC on its unix socket. */
export async function grpcSite(
  t: TestContext,
  services: readonly string[],
  config?: (folder: string) => Partial<ServerConfig>,
  options?: ProcessOptions,
): Promise<Site & Clients> {
  const site = await siteOf(t, services, config, options);
  return { ...site, ...clientsOf(overSocket(site)) };
}

export function overSocket({ folder }: Pick<Site, 'folder'>): Transport {
  const createConnection = () => connect(path.join(folder, 'api.sock'));
  return createGrpcTransport({ baseUrl: 'http://swapctl', nodeOptions: { createConnection } });
}

const desk = openTokenDesk(() => 0);
export const TOKENS = {
  ci: desk.create({ name: 'ci', allow: ['roll:shop/*'], expires: undefined }).token,
  reader: desk.create({ name: 'reader', allow: ['read'], expires: undefined }).token,
};
const LINES = [
  ['ci', 'roll:shop/*', TOKENS.ci],
  ['reader', 'read', TOKENS.reader],
] as const;

export interface Credentials {
  readonly token?: string;
  /** The name of a client certificate. */
  readonly client?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Secured {
  readonly site: Site;
  over(protocol: keyof typeof PROTOCOLS, credentials?: Credentials): Clients;
  transport(protocol: keyof typeof PROTOCOLS, credentials?: Credentials): Transport;
}

const PROTOCOLS = {
  grpc: createGrpcTransport,
  'grpc-web': (options: Parameters<typeof createGrpcTransport>[0]) =>
    createGrpcWebTransport({ ...options, httpVersion: '2' }),
  connect: (options: Parameters<typeof createGrpcTransport>[0]) =>
    createConnectTransport({ ...options, httpVersion: '2' }),
};

/** A site on TCP with TLS, tokens and client certificates. */
export async function secured(t: TestContext): Promise<Secured> {
  const config = (folder: string): Partial<ServerConfig> => ({
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    tls: { ...certificate(folder, 'server'), ca: certificate(folder, 'client').cert },
    tokens: tokenFile(folder, LINES.map(tokenLineOf)),
    clients: [{ name: 'deploy', subject: 'CN=client', scopes: [parseScope('roll:*')] }],
  });
  const site = await siteOf(t, ['shop/web', 'other'], config);
  certificate(site.folder, 'stranger');
  const port = Number(new URL(site.server.addresses[0] ?? '').port);
  const file = (name: string): Buffer => readFileSync(path.join(site.folder, name));
  const transport: Secured['transport'] = (protocol, { token, client, headers = {} } = {}) => {
    const identity = client ? { cert: file(`${client}.crt`), key: file(`${client}.key`) } : {};
    const login = token ? { authorization: `Bearer ${token}` } : {};
    return PROTOCOLS[protocol]({
      baseUrl: `https://127.0.0.1:${port}`,
      nodeOptions: { ca: file('server.crt'), ...identity },
      interceptors: [withHeaders({ ...login, ...headers })],
    });
  };
  return { site, transport, over: (...given) => clientsOf(transport(...given)) };
}

function tokenLineOf([name, scopes, token]: (typeof LINES)[number]): string {
  return `${name} sha256:${createHash('sha256').update(token).digest('hex')} ${scopes}`;
}

function withHeaders(headers: Readonly<Record<string, string>>): Interceptor {
  return (next) => (request) => {
    for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    return next(request);
  };
}

function certificate(folder: string, name: string): { cert: string; key: string } {
  const [cert, key] = [path.join(folder, `${name}.crt`), path.join(folder, `${name}.key`)];
  const usual = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', [...usual, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { cert, key };
}

/** The swapctl code of an error, and its details. */
export function infoOf(error: ConnectError): { readonly reason: string; readonly metadata: Record<string, string> } {
  const [info] = error.findDetails(ErrorInfoSchema);
  return { reason: info?.reason ?? 'none', metadata: info?.metadata ?? {} };
}

/** The error that a call raises. */
export async function raised(work: Promise<unknown>): Promise<ConnectError> {
  try {
    await work;
  } catch (error) {
    return ConnectError.from(error);
  }
  return assert.fail('nothing was raised');
}

/** All events of a stream. */
export async function all(
  stream: AsyncIterable<{ readonly event?: JobEvent | undefined }>,
): Promise<JobEvent['event'][]> {
  const events: JobEvent['event'][] = [];
  for await (const { event } of stream) if (event) events.push(event.event);
  return events;
}
