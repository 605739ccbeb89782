import { EngineError } from '../../../core/model/engine-error.ts';
import { messageOf } from '../../../core/model/error.ts';
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
  if (statusCode !== undefined) {
    const message = said(messageOf(error));
    return new EngineError(isTaken(statusCode, message) ? 409 : statusCode, message, error);
  }
  const lost = unreachable(endpoint, error);
  return new EngineError(0, lost?.message ?? messageOf(error), error);
}

// Podman (4.3) calls a name that is taken a fault of its own.
function isTaken(status: number, message: string): boolean {
  return status === 500 && /\bthat name is already in use$/.test(message);
}

// docker-modem puts before what the engine said: "(HTTP code 409) unexpected - ".
function said(message: string): string {
  return message.replace(/^\(HTTP code \d+\) .*? - /s, '').trim() || message.trim();
}

/** The HTTP status of an engine's refusal; undefined for anything else. */
export function statusOf(error: unknown): number | undefined {
  return (error as ModemError | undefined)?.statusCode;
}

/**
 * Undefined where the engine says that there is no such thing. Asked twice: what is believed to be gone is made again, or left
 * behind, so one wrong 404 must not be enough.
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

/** Waits for a call of which these refusals are as good as success. */
export async function ignoring(statuses: readonly number[], call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!statuses.includes(statusOf(error) ?? -1)) throw error;
  }
}
