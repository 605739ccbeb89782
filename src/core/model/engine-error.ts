import { isFaultOfImage } from './refused-start.ts';

/** An error answer of the engine, in the engine's own words. */
export class EngineError extends Error {
  /** HTTP status; 0 if the connection broke before the answer. */
  readonly status: number;

  constructor(status: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'EngineError';
    this.status = status;
  }
}

/** True: the engine reports that the object is in use or taken. For a create call: another roll is in progress. */
export function isConflict(error: unknown): boolean {
  return error instanceof EngineError && error.status === 409;
}

/** True: the engine reports that the object does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof EngineError && error.status === 404;
}

/** True if a socket proxy before the engine allows no such call. */
export function isForbidden(error: unknown): boolean {
  return error instanceof EngineError && (error.status === 403 || error.status === 405);
}

/** True: the disk of the engine's machine is full. */
export function isDiskFull(error: unknown): error is EngineError {
  return error instanceof EngineError && /no space left on device|disk quota exceeded/i.test(error.message);
}

/**
 * True: the engine refused a start because of the image. Docker and newer versions of Podman note the reason on the container,
 * Podman 4.3 does not.
 */
export function isStartRefusedByImage(error: unknown): error is EngineError {
  return error instanceof EngineError && isFaultOfImage(error.message);
}

/**
 * True: a new observation and another try may help, because the connection broke, the engine had a fault, or the state had just
 * changed.
 */
export function isPassing(error: unknown): boolean {
  return isConflict(error) || isFault(error);
}

/** True: the engine did not answer, because it is gone, out of reach, or ended during the call. */
export function isAway(error: unknown): boolean {
  return error instanceof EngineError && error.status === 0;
}

/** True: there was no usable answer, because the connection broke or the engine had a fault. */
export function isFault(error: unknown): boolean {
  return error instanceof EngineError && (error.status === 0 || error.status >= 500);
}
