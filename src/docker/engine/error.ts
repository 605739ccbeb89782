import { EngineError } from '../../core/engine-error.ts';
import { messageOf } from '../../core/error.ts';
import type { Endpoint } from '../connect/endpoint.ts';
import { unreachable } from '../connect/explain.ts';

/** What dockerode and docker-modem throw. */
interface ModemError {
  readonly statusCode?: number;
  readonly json?: { readonly message?: string } | string;
}

/** Turns what a call raised into the error that swapctl reasons about: the engine's own words, and its HTTP status. */
export function engineError(endpoint: Endpoint, error: unknown): Error {
  if (error instanceof EngineError) return error;
  const { statusCode, json } = error as ModemError;
  if (statusCode !== undefined) {
    const said = typeof json === 'object' ? json?.message : json;
    return new EngineError(statusCode, said?.trim() || messageOf(error), error);
  }
  const lost = unreachable(endpoint, error);
  return new EngineError(0, lost?.message ?? messageOf(error), error);
}

/** The HTTP status of an engine's refusal; undefined for anything else. */
export function statusOf(error: unknown): number | undefined {
  return (error as ModemError | undefined)?.statusCode;
}
