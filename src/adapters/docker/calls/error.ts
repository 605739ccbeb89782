import { EngineError } from '../../../core/model/engine-error.ts';
import { messageOf } from '../../../core/model/error.ts';
import type { Endpoint } from '../connect/endpoint.ts';
import { unreachable } from '../connect/explain.ts';

/** The errors of dockerode and docker-modem. */
interface ModemError {
  readonly statusCode?: number;
}

/** Converts the error of a call into swapctl's own: the engine's words, and its HTTP status. */
export function engineError(endpoint: Endpoint, error: unknown): Error {
  if (error instanceof EngineError) return error;
  const { statusCode } = error as ModemError;
  if (statusCode !== undefined) {
    const message = said(messageOf(error));
    return new EngineError(isTaken(statusCode, message) ? 409 : statusCode, message, error);
  }
  const lost = unreachable(endpoint, error);
  return new EngineError(0, lost?.message ?? messageOf(error), error);
}

// Podman (4.3) reports a name that is taken as an internal error.
function isTaken(status: number, message: string): boolean {
  return status === 500 && /\bthat name is already in use$/.test(message);
}

// docker-modem's prefix of the engine's message: "(HTTP code 409) unexpected - ".
function said(message: string): string {
  return message.replace(/^\(HTTP code \d+\) .*? - /s, '').trim() || message.trim();
}

/** The HTTP status of an engine's refusal; undefined for anything else. */
export function statusOf(error: unknown): number | undefined {
  return (error as ModemError | undefined)?.statusCode;
}

/**
 * Undefined if the engine reports that the object does not exist. Asks twice: swapctl would create a missing object again, or
 * leave it behind, so one wrong 404 must not be enough.
 */
export async function orUndefined<T>(ask: () => Promise<T>): Promise<T | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      if (tries === 2) return undefined;
    }
  }
}

/** Waits for a call, and counts these refusals as success. */
export async function ignoring(statuses: readonly number[], call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!statuses.includes(statusOf(error) ?? -1)) throw error;
  }
}
