import { fail, SwapError } from '../../../core/model/error.ts';
import type { ProxyAccess, ProxyAnswer, ProxySocket } from '../../../ports/proxy-access.ts';
import type { Static } from './static.ts';

const HINT =
  'switch on the API at an address that only Traefik itself reaches: api {}, entryPoints.swapctl.address: 127.0.0.1:8099, and a ' +
  'router for PathPrefix(`/api`) with the service api@internal on that entry point; `swapctl proxy init` prints it';

/** A server of a service, as Traefik acts on it. */
export interface ApiServer {
  readonly url: string;
  readonly weight?: number;
}

/** A service as Traefik acts on it. */
export interface ApiService {
  readonly servers: readonly ApiServer[];
  /** Why Traefik does not serve it. */
  readonly errors: readonly string[];
}

/** Traefik's API, which only answers. */
export class Api {
  readonly version: string;
  readonly #ask: (path: string, signal: AbortSignal) => Promise<ProxyAnswer>;

  constructor(version: string, ask: (path: string, signal: AbortSignal) => Promise<ProxyAnswer>) {
    this.version = version;
    this.#ask = ask;
  }

  /** A service of the file provider; undefined if Traefik knows none of that name. */
  async service(name: string, signal: AbortSignal): Promise<ApiService | undefined> {
    const answer = await this.#ask(`/http/services/${encodeURIComponent(`${name}@file`)}`, signal);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) return away([`it answers ${answer.status}`]);
    const { loadBalancer, status, error = [] } = JSON.parse(answer.body);
    return { servers: loadBalancer?.servers ?? [], errors: status === 'enabled' ? [] : [error].flat().map(String) };
  }
}

/** Finds the API where the static configuration has it. Raises `proxy-unreachable`. */
export async function openApi(access: ProxyAccess, { apis, basePath }: Static, signal: AbortSignal): Promise<Api> {
  const failures: string[] = [];
  for (const socket of apis) {
    const ask = (path: string, abort: AbortSignal) =>
      access.http(socket, { method: 'GET', path: `${basePath}/api${path}` }, abort);
    const version = await versionBy(() => ask('/version', signal));
    if (version.kind === 'found') return new Api(version.text, ask);
    failures.push(version.kind === 'answers' ? `${shown(socket)} answers ${version.text}` : version.text);
  }
  return away(failures);
}

async function versionBy(
  ask: () => Promise<ProxyAnswer>,
): Promise<{ kind: 'found' | 'answers' | 'away'; text: string }> {
  try {
    const { status, headers, body } = await ask();
    const isJson = status === 200 && headers['content-type']?.startsWith('application/json');
    return isJson
      ? { kind: 'found', text: String(JSON.parse(body).Version) }
      : { kind: 'answers', text: String(status) };
  } catch (error) {
    if (error instanceof SwapError && error.code === 'proxy-unreachable') return { kind: 'away', text: error.message };
    throw error;
  }
}

function away(failures: readonly string[]): never {
  return fail('proxy-unreachable', `Traefik's API does not answer: ${failures.join('; ')}`, { hint: HINT });
}

function shown(socket: ProxySocket): string {
  return 'path' in socket ? socket.path : `${socket.host}:${socket.port}`;
}
