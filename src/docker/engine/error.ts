import { EngineError } from '../../core/engine-error.ts';
import { messageOf } from '../../core/error.ts';
import type { Endpoint } from '../connect/endpoint.ts';
import { unreachable } from '../connect/explain.ts';

/** What dockerode and docker-modem throw. */
interface ModemError {
  readonly statusCode?: number;
}

/** Turns what a call raised into the error that swapctl reasons about: the engine's own words, and its HTTP status. */
export function engineError(endpoint: Endpoint, error: unknown): Error {
  if (error instanceof EngineError) return error;
  const { statusCode } = error as ModemError;
  if (statusCode !== undefined) return new EngineError(statusCode, said(messageOf(error)), error);
  const lost = unreachable(endpoint, error);
  return new EngineError(0, lost?.message ?? messageOf(error), error);
}

// docker-modem puts before what the engine said: "(HTTP code 409) unexpected - ".
function said(message: string): string {
  return message.replace(/^\(HTTP code \d+\) .*? - /s, '').trim() || message.trim();
}

/** The HTTP status of an engine's refusal; undefined for anything else. */
export function statusOf(error: unknown): number | undefined {
  return (error as ModemError | undefined)?.statusCode;
}
