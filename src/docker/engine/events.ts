import type Dockerode from 'dockerode';
import type { EngineEvent } from '../../core/event.ts';
import type { Endpoint } from '../connect/endpoint.ts';
import { engineError } from './error.ts';
import { jsonLines } from './ndjson.ts';

// Health checks and execs make many more, and change nothing about what there is.
const TELLING = ['create', 'start', 'die', 'destroy', 'rename', 'update', 'pause', 'unpause'];

/**
 * What happens to containers, from an instant (nanoseconds of the engine's clock) on, as it happens. Ends when the engine or
 * a proxy in between closes the stream, and when the signal aborts. Raises EngineError.
 */
export async function* events(
  docker: Dockerode,
  endpoint: Endpoint,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent> {
  const filters = JSON.stringify({ type: ['container'], event: TELLING });
  try {
    const options = { since: seconds(since), filters, abortSignal: signal };
    const stream: unknown = await docker.getEvents(options as object);
    for await (const line of jsonLines(stream as AsyncIterable<Buffer>)) yield* decoded(line);
  } catch (error) {
    if (!signal.aborted) throw engineError(endpoint, error);
  }
}

// The engine reads seconds with a fraction of nanoseconds.
function seconds(nano: number): string {
  const whole = Math.floor(nano / 1e9);
  return `${whole}.${String(Math.floor(nano - whole * 1e9)).padStart(9, '0')}`;
}

// From API 1.52 on there is only what is said of the actor.
function* decoded(line: Record<string, unknown>): Generator<EngineEvent> {
  const { ID } = (line.Actor ?? {}) as { ID?: unknown };
  const { timeNano, Action: action } = line;
  if (typeof timeNano === 'number' && typeof ID === 'string' && typeof action === 'string')
    yield { timeNano, id: ID, action };
}
