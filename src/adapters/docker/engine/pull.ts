import type Dockerode from 'dockerode';
import { EngineError } from '../../../core/model/engine-error.ts';
import type { PullLayer } from '../../../ports/ports.ts';
import { jsonLines } from '../calls/ndjson.ts';
import { flowing, type Streamed } from '../calls/timeouts.ts';

/** Pulls a reference (usually by digest). The engine answers 200 and reports errors inside the stream (T40). */
export async function pull(
  docker: Dockerode,
  reference: string,
  authconfig: object | undefined,
  onLayer: (layer: PullLayer) => void,
  { idleMs, signal }: { idleMs: number; signal: AbortSignal | undefined },
): Promise<void> {
  const options = { ...(authconfig ? { authconfig } : {}), ...(signal ? { abortSignal: signal } : {}) };
  const stream = (await docker.pull(reference, options)) as unknown as Streamed;
  for await (const line of jsonLines(flowing(stream, idleMs))) {
    const problem = errorOf(line);
    if (problem) throw new EngineError(500, problem);
    if (typeof line.id === 'string' && typeof line.status === 'string')
      onLayer(layerOf(line.id, line.status, line.progressDetail));
  }
  if (signal?.aborted) throw new EngineError(0, 'the pull was interrupted');
}

function errorOf(line: Record<string, unknown>): string | undefined {
  const detail = line.errorDetail as { message?: unknown } | undefined;
  if (typeof detail?.message === 'string') return detail.message;
  return typeof line.error === 'string' ? line.error : undefined;
}

function layerOf(layer: string, status: string, progress: unknown): PullLayer {
  const { current, total } = (progress ?? {}) as { current?: unknown; total?: unknown };
  return { layer, status, current: count(current), total: count(total) };
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
