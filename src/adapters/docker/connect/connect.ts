import { type Agent, type IncomingMessage, request } from 'node:http';
import type Dockerode from 'dockerode';
import { fail } from '../../../core/model/error.ts';
import { noteCall } from '../../trace/calls.ts';
import { type Line, openLine } from './agent.ts';
import { noteDials, shownCall, whyNot } from './calls.ts';
import { dialOf } from './dial.ts';
import { type Endpoint, showEndpoint } from './endpoint.ts';
import { unreachable } from './explain.ts';
import { withNamesEncoded } from './named.ts';
import { type EngineVersion, negotiate } from './negotiate.ts';

/** A dockerode bound to one engine and one API version, the engine's version data, and a function that releases it. */
export type Connection = { readonly docker: Dockerode; readonly version: EngineVersion; readonly close: () => void };

/** `timeoutMs` limits each opening of a connection and the first answer; `sshProgram` replaces `ssh`. */
export type ConnectOptions = { readonly timeoutMs?: number; readonly sshProgram?: string };

/** A longer answer to GET /version does not come from an engine. */
const VERSION_LIMIT = 1_000_000;

/**
 * Connects to the engine at the endpoint and agrees on an API version; only `endpoint` decides the address. Fails with
 * 'engine-unreachable' (or 'config' for unusable TLS files) and advice for the user.
 */
export async function connect(endpoint: Endpoint, options: ConnectOptions = {}): Promise<Connection> {
  const timeoutMs = options.timeoutMs ?? (endpoint.kind === 'ssh' ? 30_000 : 10_000);
  const line = openLine(dialOf(endpoint, { timeoutMs, sshProgram: options.sshProgram }));
  try {
    const body = await askVersion(endpoint, line.agent, timeoutMs);
    const version = negotiate(body, showEndpoint(endpoint));
    return { docker: await bind(endpoint, line, version.apiVersion), version, close: line.close };
  } catch (error) {
    line.close();
    throw unreachable(endpoint, error) ?? error;
  }
}

/** Another dockerode on the same connections with another API version, such as `1.41`. */
export function withVersion(docker: Dockerode, apiVersion: string): Dockerode {
  const modem = Object.assign(Object.create(Object.getPrototypeOf(docker.modem)), docker.modem, {
    version: `v${apiVersion}`,
  });
  const Same = docker.constructor as new (options: { modem: unknown }) => Dockerode;
  return new Same({ modem });
}

/** The agent decides where connections go; a tcp engine still gets its name for the Host header, which proxies read. */
function addressing(endpoint: Endpoint): { host: string; port: number } | { socketPath: string } {
  if (endpoint.kind === 'tcp') return { host: endpoint.host, port: endpoint.port };
  return { socketPath: endpoint.kind === 'unix' ? endpoint.path : showEndpoint(endpoint) };
}

async function bind(endpoint: Endpoint, line: Line, apiVersion: string): Promise<Dockerode> {
  const { default: Docker } = await import('dockerode');
  const unset = { socketPath: undefined, host: undefined, port: undefined };
  const options = {
    ...unset,
    ...addressing(endpoint),
    protocol: 'http' as const,
    agent: line.agent,
    version: `v${apiVersion}`,
  };
  const Named = withNamesEncoded(Docker);
  const docker = withoutDockerHost(() => new Named(options));
  noteDials(docker);
  return docker;
}

/** docker-modem reads DOCKER_HOST and the files of DOCKER_CERT_PATH even if all options are given, and throws if they are wrong. */
function withoutDockerHost<T>(make: () => T): T {
  const saved = process.env.DOCKER_HOST;
  delete process.env.DOCKER_HOST;
  try {
    return make();
  } finally {
    if (saved !== undefined) process.env.DOCKER_HOST = saved;
  }
}

/** GET /version without a version prefix: every engine answers it. */
async function askVersion(endpoint: Endpoint, agent: Agent, timeoutMs: number): Promise<unknown> {
  const signal = AbortSignal.timeout(timeoutMs);
  const ended = noteCall('engine', () => shownCall('GET', '/version'));
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request({ ...addressing(endpoint), agent, path: '/version', signal }, resolve)
      .on('error', reject)
      .end(),
  ).catch((error) => {
    ended(whyNot(error));
    throw error;
  });
  ended(response.statusCode ?? 'ok');
  const body = await readBody(response);
  if (response.statusCode === 200) return jsonOrNothing(body);
  return refused(showEndpoint(endpoint), response.statusCode ?? 0, body);
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > VERSION_LIMIT) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refused(where: string, status: number, body: string): never {
  if (/HTTP request to an HTTPS server/i.test(body))
    return fail('engine-unreachable', `the engine at ${where} wants TLS`, {
      hint: 'set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH',
    });
  const hint =
    status === 401 || status === 403
      ? 'a proxy in front of the engine must allow GET /version'
      : 'is this the address of an engine?';
  return fail('engine-unreachable', `GET /version at ${where} was answered with HTTP ${status}`, { hint });
}
