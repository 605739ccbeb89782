import { isFaultOfImage } from './refused-start.ts';

/** An answer of the engine other than success, in its own words. */
export class EngineError extends Error {
  /** HTTP status; 0 where the connection broke before there was an answer. */
  readonly status: number;

  constructor(status: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'EngineError';
    this.status = status;
  }
}

/** Whether the engine said that the thing is in use or taken: for a create, another roll is under way. */
export function isConflict(error: unknown): boolean {
  return error instanceof EngineError && error.status === 409;
}

/** Whether the engine said that there is no such thing. */
export function isNotFound(error: unknown): boolean {
  return error instanceof EngineError && error.status === 404;
}

/** True if a socket proxy before the engine allows no such call. */
export function isForbidden(error: unknown): boolean {
  return error instanceof EngineError && (error.status === 403 || error.status === 405);
}

/** Whether the engine's machine has no room left for what was asked of it. */
export function isDiskFull(error: unknown): error is EngineError {
  return error instanceof EngineError && /no space left on device|disk quota exceeded/i.test(error.message);
}

/** Whether a start was refused because of the image. Docker and newer Podmen note the words on the container, Podman 4.3 does not. */
export function isStartRefusedByImage(error: unknown): error is EngineError {
  return error instanceof EngineError && isFaultOfImage(error.message);
}

/** Whether looking and trying again may help: the connection broke, the engine had a fault, or the world had just moved. */
export function isPassing(error: unknown): boolean {
  return isConflict(error) || isFault(error);
}

/** Whether there was no answer at all: the engine is gone, or out of reach, or came to its end while it was asked. */
export function isAway(error: unknown): boolean {
  return error instanceof EngineError && error.status === 0;
}

/** Whether there was no answer, or none to the question: the connection broke, or the engine had a fault. */
export function isFault(error: unknown): boolean {
  return error instanceof EngineError && (error.status === 0 || error.status >= 500);
}
