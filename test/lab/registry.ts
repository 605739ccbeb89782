// A registry of the test's own: the docker-registry program on a free port, with the kind of login that the test is about.
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomUUID, sign } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type Docker from 'dockerode';
import { unpackedTool } from './cache.ts';
import { endOf } from './engine.ts';
import { keepLayers, offerLayers } from './layers.ts';
import { accepts, freePort } from './port.ts';

const REGISTRY_USER = { username: 'tester', password: 'secret' };
/** `REGISTRY_USER` for htpasswd: made once with perl's crypt, for Node has no bcrypt. */
const HTPASSWD = 'tester:$2y$05$9eiQ0dLOyvuZaKvSZFGHluXwtb9zjmUhb/5CtQukJy.aUzyn52DZ.\n';

export interface RegistryOptions {
  /** Default: none. 'token' is what hubs do: a 401 that leads to a token server. */
  login?: 'none' | 'htpasswd' | 'token';
  tls?: boolean;
  /** An address of this machine that the engine reaches; for an engine in a namespace see `engines.ts`. Default: 127.0.0.1 */
  address?: string;
  /** Gets the registry's notifications. */
  webhook?: string;
}

interface RegistryAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

export interface Registry {
  /** `address:port`, the first part of a reference. */
  host: string;
  /** With the scheme. */
  url: string;
  /** The credentials to log in with; undefined with login 'none'. */
  login: { username: string; password: string } | undefined;
  /** With TLS: the file for NODE_EXTRA_CA_CERTS. */
  caFile: string | undefined;
  /**
   * Pushes a local image as `name:tag`, and takes the extra local tag away again.
   * Returns the full reference and the digest that the registry gave it.
   */
  push(docker: Docker, taggedImage: string, remoteTag: string, auth?: RegistryLogin): Promise<Pushed>;
  /** A request with whatever credentials it takes: `GET /v2/app/manifests/1`, a PUT of an index, a DELETE. */
  request(
    method: string,
    requestPath: string,
    options?: { headers?: Record<string, string>; body?: string | Buffer },
  ): Promise<RegistryAnswer>;
  /** The digest of `name:tag`; undefined if there is none. */
  digest(nameAndTag: string): Promise<string | undefined>;
  /** What it has been asked so far, as `GET /v2/app/manifests/1 200`. */
  log(): string[];
  stop(): Promise<void>;
}

type RegistryLogin = { username: string; password: string };
interface Pushed {
  reference: string;
  digest: string;
}

export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const address = options.address ?? '127.0.0.1';
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-registry-'));
  const needsKey = options.tls || options.login === 'token';
  const identity = needsKey ? makeIdentity(folder, address) : undefined;
  const tokens = options.login === 'token' && identity ? await startTokenServer(identity, address) : undefined;
  const host = `${address}:${await freePort(address)}`;
  const url = `${options.tls ? 'https' : 'http'}://${host}`;
  const login = (options.login ?? 'none') === 'none' ? undefined : REGISTRY_USER;
  const ca = options.tls ? identity?.certificate : undefined;

  const config = configuration({ folder, host, tokenRealm: tokens?.realm, ...options });
  // JSON is YAML.
  writeFileSync(path.join(folder, 'config.yml'), JSON.stringify(config));
  writeFileSync(path.join(folder, 'htpasswd'), HTPASSWD);
  const logFile = path.join(folder, 'registry.log');
  const program = await startProgram(folder, logFile, host);

  const authorization = (scope: string) => {
    if (tokens) return `Bearer ${tokens.token(scope)}`;
    return login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
  };
  const registry: Registry = {
    host,
    url,
    login,
    caFile: ca && path.join(folder, 'identity.crt'),
    request(method, requestPath, { headers, body } = {}) {
      const name = /^\/v2\/(.+)\/(?:manifests|blobs|tags)\//.exec(requestPath)?.[1];
      const credentials = authorization(name ? `repository:${name}:pull,push,delete` : '');
      const all = { ...headers, ...(credentials && { authorization: credentials }) };
      return ask(`${url}${requestPath}`, { method, headers: all, ca }, body);
    },
    async digest(nameAndTag) {
      const [name, tag] = split(nameAndTag);
      const { status, headers } = await registry.request('HEAD', `/v2/${name}/manifests/${tag}`, {
        headers: { accept: MANIFESTS },
      });
      if (status === 404) return undefined;
      if (status !== 200) throw new Error(`HEAD of ${nameAndTag}: HTTP ${status}`);
      return String(headers['docker-content-digest']);
    },
    async push(docker, taggedImage, remoteTag, auth = login) {
      const [name, tag] = split(remoteTag);
      const reference = `${host}/${name}:${tag}`;
      await docker.getImage(taggedImage).tag({ repo: `${host}/${name}`, tag });
      try {
        await offerLayers(registry, docker, taggedImage, name);
        // Engines before 28 refuse a push without this header, even to a registry that asks for no login.
        const authconfig = { serveraddress: host, username: '', password: '', ...auth };
        await endOf(await docker.getImage(reference).push({ authconfig }));
        await keepLayers(registry, docker, taggedImage, `${name}:${tag}`);
      } finally {
        await docker.getImage(reference).remove();
      }
      const digest = await registry.digest(remoteTag);
      if (!digest) throw new Error(`${reference} was pushed, but is not there`);
      return { reference, digest };
    },
    log: () =>
      [...readFileSync(logFile, 'utf8').matchAll(/"(\w+) (\S+) HTTP\/[\d.]+" (\d+)/g)].map(
        ([, method, requested, status]) => `${method} ${requested} ${status}`,
      ),
    async stop() {
      tokens?.stop();
      await program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return registry;
}

/** All that a client of today accepts; without the list a registry answers with schema 1. */
export const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

function split(nameAndTag: string): [name: string, tag: string] {
  const colon = nameAndTag.lastIndexOf(':');
  return colon < 0 ? [nameAndTag, 'latest'] : [nameAndTag.slice(0, colon), nameAndTag.slice(colon + 1)];
}

function configuration(of: RegistryOptions & { folder: string; host: string; tokenRealm: string | undefined }) {
  const file = (name: string) => path.join(of.folder, name);
  const tls = { certificate: file('identity.crt'), key: file('identity.key') };
  const token = { realm: of.tokenRealm, service: SERVICE, issuer: ISSUER, rootcertbundle: file('identity.crt') };
  const hook = { name: 'hook', url: of.webhook, timeout: '1s', threshold: 3, backoff: '1s' };
  return {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: file('data') }, delete: { enabled: true } },
    http: { addr: of.host, secret: 'not a secret', ...(of.tls && { tls }) },
    ...(of.login === 'htpasswd' && { auth: { htpasswd: { realm: 'swapctl-test', path: file('htpasswd') } } }),
    ...(of.login === 'token' && { auth: { token } }),
    ...(of.webhook && { notifications: { endpoints: [hook] } }),
  };
}

// ---- the program

async function startProgram(folder: string, logFile: string, host: string) {
  mkdirSync(path.join(folder, 'data'));
  const log = openSync(logFile, 'w');
  const args = ['serve', path.join(folder, 'config.yml')];
  const child = spawn(unpackedTool('usr/bin/docker-registry'), args, { stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<void>((resolve) => void child.on('exit', () => resolve()).on('error', () => resolve()));
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const [address = '', port] = host.split(':');
  if (!(await accepts(address, Number(port), () => child.exitCode === null))) {
    throw new Error(`docker-registry did not start:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
  }
  return {
    async stop() {
      process.off('exit', kill);
      child.kill('SIGTERM');
      await ended;
    },
  };
}

// ---- TLS and tokens

interface Identity {
  certificate: string;
  key: string;
}

/** One self-signed certificate that serves as authority, as the server's, and as the signer of tokens. */
function makeIdentity(folder: string, address: string): Identity {
  const file = (name: string) => path.join(folder, `identity.${name}`);
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=swapctl-test'];
  const names = ['-addext', `subjectAltName=DNS:localhost,IP:127.0.0.1,IP:${address}`];
  execFileSync('openssl', [...request, ...names, '-keyout', file('key'), '-out', file('crt')], { stdio: 'pipe' });
  return { certificate: readFileSync(file('crt'), 'utf8'), key: readFileSync(file('key'), 'utf8') };
}

const SERVICE = 'swapctl-test';
const ISSUER = 'swapctl-test';

/** The other half of the token login: `GET /token?service&scope` with basic auth, or the OAuth2 form by POST. */
async function startTokenServer(identity: Identity, address: string) {
  const { username, password } = REGISTRY_USER;
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const token = (scopes: string) => jsonWebToken(identity, scopes);

  const server = http.createServer(async (request, response) => {
    let form = '';
    for await (const chunk of request) form += chunk;
    const url = new URL(request.url ?? '/', 'http://token');
    const asked = request.method === 'POST' ? new URLSearchParams(form) : url.searchParams;
    const known =
      request.headers.authorization === basic ||
      (asked.get('username') === username && asked.get('password') === password) ||
      asked.get('refresh_token') === 'refresh';
    response.setHeader('content-type', 'application/json');
    response.statusCode = known ? 200 : 401;
    if (!known) return void response.end('{"errors":[{"code":"UNAUTHORIZED"}]}');
    const issued = token(asked.getAll('scope').join(' '));
    response.end(JSON.stringify({ token: issued, access_token: issued, expires_in: 300, refresh_token: 'refresh' }));
  });
  server.listen(0, address).unref();
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    realm: `http://${address}:${(server.address() as AddressInfo).port}/token`,
    token,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function jsonWebToken(identity: Identity, scopes: string): string {
  const encoded = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const der = identity.certificate.replace(/-----[^-]+-----|\s/g, '');
  const claims = {
    iss: ISSUER,
    sub: REGISTRY_USER.username,
    aud: SERVICE,
    iat: now,
    nbf: now - 5,
    exp: now + 300,
    jti: randomUUID(),
    access: scopes.split(' ').filter(Boolean).map(access),
  };
  const unsigned = `${encoded({ typ: 'JWT', alg: 'RS256', x5c: [der] })}.${encoded(claims)}`;
  return `${unsigned}.${sign('RSA-SHA256', Buffer.from(unsigned), identity.key).toString('base64url')}`;
}

/** `repository:host:port/name:pull,push`: a name may have colons of its own. */
function access(scope: string): { type: string; name: string; actions: string[] } {
  const first = scope.indexOf(':');
  const last = scope.lastIndexOf(':');
  return {
    type: scope.slice(0, first),
    name: scope.slice(first + 1, last),
    actions: scope.slice(last + 1).split(','),
  };
}

function ask(url: string, options: https.RequestOptions, body?: string | Buffer): Promise<RegistryAnswer> {
  return new Promise((resolve, reject) => {
    const { request } = url.startsWith('https:') ? https : http;
    // No agent: a connection that is kept would keep the registry from ending.
    request(url, { ...options, agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
    })
      .on('error', reject)
      .end(body);
  });
}

// ---- content without an engine

const sha256 = (content: string | Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

/**
 * Puts an index (a multi-platform image) together from what is in the registry under `name` already.
 * Returns its digest.
 */
export async function pushIndex(
  registry: Registry,
  nameAndTag: string,
  members: { tag: string; architecture: string }[],
): Promise<string> {
  const [name, tag] = split(nameAndTag);
  const manifests = [];
  for (const { tag: member, architecture } of members) {
    const answer = await registry.request('GET', `/v2/${name}/manifests/${member}`, { headers: { accept: MANIFESTS } });
    manifests.push({
      mediaType: answer.headers['content-type'],
      digest: answer.headers['docker-content-digest'],
      size: answer.body.length,
      platform: { architecture, os: 'linux' },
    });
  }
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const body = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
  const { status } = await registry.request('PUT', `/v2/${name}/manifests/${tag}`, {
    headers: { 'content-type': mediaType },
    body,
  });
  if (status !== 201) throw new Error(`PUT of the index ${nameAndTag}: HTTP ${status}`);
  return sha256(body);
}
