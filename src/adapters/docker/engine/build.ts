import { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { type BuildEnd, type BuildOrder, cacheReference } from '../../../core/build/build.ts';
import { EngineError } from '../../../core/model/engine-error.ts';
import type { Login, LoginFor } from '../../../ports/ports.ts';
import { jsonLines } from '../calls/ndjson.ts';
import type { Streamed } from '../calls/timeouts.ts';
import { compareApi, type EngineVersion } from '../connect/negotiate.ts';

/** A build by the engine itself. */
export interface EngineBuild {
  readonly context: AsyncIterable<Uint8Array>;
  readonly order: BuildOrder;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
  /** For the images that the classic builder fetches. */
  readonly loginFor: LoginFor;
}

// The first API with BuildKit; Podman has a builder of its own.
const FIRST_BUILDKIT = '1.39';

/** Builds an image from a stream of its context. The result has the errors of the build; errors of the engine are raised. */
export async function build(docker: Dockerode, version: EngineVersion, asked: EngineBuild): Promise<BuildEnd> {
  const kit =
    !asked.order.classic && version.engine !== 'podman' && compareApi(version.apiVersion, FIRST_BUILDKIT) >= 0;
  const context = Readable.from(asked.context, { objectMode: false });
  try {
    const stream = await begin(docker, context, kit, asked);
    return await tracked(stream, kit, asked);
  } finally {
    context.destroy();
  }
}

async function begin(docker: Dockerode, context: Readable, kit: boolean, asked: EngineBuild): Promise<Streamed> {
  const { order, signal, loginFor } = asked;
  // A BuildKit session takes one login for all registries, and would show it to each of them: better none.
  const registryconfig = kit ? undefined : await logins(order.registries, loginFor);
  const options = {
    ...query(order),
    version: kit ? '2' : '1',
    abortSignal: signal,
    ...(registryconfig && { registryconfig }),
  };
  const answer: unknown = await Promise.race([docker.buildImage(context, options as object), brokenContext(context)]);
  return answer as Streamed;
}

async function logins(registries: readonly string[], loginFor: LoginFor): Promise<Record<string, Login>> {
  const found = await Promise.all(registries.map(loginFor));
  return Object.fromEntries(found.flatMap((login) => (login ? [[login.serveraddress, login]] : [])));
}

// If the context can't be read to its end, the engine would wait for the rest.
function brokenContext(context: Readable): Promise<never> {
  return new Promise((_, reject) =>
    context.once('error', (error) => reject(new EngineError(400, error.message, error))),
  );
}

/** The query of `POST /build`; see the Engine API, Build an image. */
export function query({ dockerfile, spec }: BuildOrder): Record<string, string | boolean | string[]> {
  const caches = spec.cacheFrom.flatMap((from) => cacheReference(from) ?? []);
  return {
    dockerfile,
    rm: true,
    forcerm: true,
    buildargs: JSON.stringify(spec.args),
    labels: JSON.stringify(spec.labels),
    ...(spec.target ? { target: spec.target } : {}),
    ...(caches.length > 0 ? { cachefrom: JSON.stringify(caches) } : {}),
    ...(spec.platforms[0] ? { platform: spec.platforms[0] } : {}),
    ...(spec.network ? { networkmode: spec.network } : {}),
    ...(spec.extraHosts.length > 0
      ? { extrahosts: spec.extraHosts.map((host) => host.replace('=', ':')).join(',') }
      : {}),
    ...(spec.noCache ? { nocache: true } : {}),
    ...(spec.pull ? { pull: true } : {}),
  };
}

async function tracked(stream: Streamed, kit: boolean, { onLine, signal }: EngineBuild): Promise<BuildEnd> {
  const { decodeTrace } = kit ? await import('../calls/trace.ts') : { decodeTrace: undefined };
  const { classicTranscript, traceTranscript } = await import('../calls/transcript.ts');
  const trace = traceTranscript(onLine);
  const classic = classicTranscript(onLine);
  let id: string | undefined;
  let problem: string | undefined;
  for await (const line of jsonLines(stream)) {
    if (line.id === 'moby.buildkit.trace' && typeof line.aux === 'string' && decodeTrace)
      trace.take(decodeTrace(line.aux));
    else if (typeof line.stream === 'string') classic.take(line.stream);
    id = idOf(line.aux) ?? id;
    problem = problemOf(line) ?? problem;
  }
  endSession(stream);
  if (signal.aborted) throw new EngineError(0, 'the build was interrupted');
  if (problem === undefined && id !== undefined)
    return { kind: 'built', image: { id, builder: kit ? 'buildkit' : 'classic' } };
  const log = kit ? trace.failure() : classic.failure();
  return { kind: 'failed', message: problem ?? 'the engine ended the build without an image', log };
}

// dockerode ends the session of a build only on this event, which a broken answer never sends.
function endSession(stream: Streamed): void {
  (stream as unknown as Readable).emit('end');
}

function idOf(aux: unknown): string | undefined {
  const { ID } = (typeof aux === 'object' && aux !== null ? aux : {}) as { ID?: unknown };
  return typeof ID === 'string' ? ID : undefined;
}

function problemOf(line: Record<string, unknown>): string | undefined {
  const detail = line.errorDetail as { message?: unknown } | undefined;
  if (typeof detail?.message === 'string') return detail.message;
  return typeof line.error === 'string' ? line.error : undefined;
}
