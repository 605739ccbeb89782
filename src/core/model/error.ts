/**
 * The state after an error. `untouched`: nothing was changed. `old-serves`: the old version serves as before. `new-serves`: the
 * roll is done, but something else failed. `half-done`: a user has to look.
 */
export type ErrorState = 'untouched' | 'old-serves' | 'new-serves' | 'half-done';

/** The meaning of an error code: exit status of the program, HTTP status, gRPC status, and the usual state after it. */
interface Meaning {
  readonly state?: ErrorState;
  readonly exit: 1 | 2 | 3 | 4 | 5;
  readonly http: number;
  readonly grpc: GrpcStatus;
}

/** The statuses of gRPC that swapctl answers with, in Connect's spelling. */
export type GrpcStatus =
  | 'invalid_argument'
  | 'not_found'
  | 'aborted'
  | 'failed_precondition'
  | 'resource_exhausted'
  | 'permission_denied'
  | 'unauthenticated'
  | 'unavailable'
  | 'internal';

const FAILED = { state: 'old-serves', exit: 1, http: 422, grpc: 'failed_precondition' } as const;
// Wrong usage or configuration.
const WRONG = { state: 'untouched', exit: 2, http: 400, grpc: 'invalid_argument' } as const;
const REFUSED = { state: 'untouched', exit: 2, http: 422, grpc: 'failed_precondition' } as const;
// The engine or another system is out of reach.
const AWAY = { state: 'untouched', exit: 5, http: 503, grpc: 'unavailable' } as const;
const UNUSABLE = { state: 'untouched', exit: 5, http: 422, grpc: 'failed_precondition' } as const;

/** All error codes; the exit status of each is a contract with scripts (docs/reference/results.md). */
const CODES = {
  'bad-image': FAILED,
  'build-failed': FAILED,
  'known-bad': FAILED,
  'not-healthy': FAILED,
  /** Nothing happened until swapctl's deadline. */
  stuck: FAILED,
  'cannot-create': FAILED,
  'cannot-start': FAILED,
  'cannot-start-again': FAILED,
  unproven: FAILED,
  'disk-full': FAILED,
  'no-history': FAILED,
  'image-moved': FAILED,
  'backup-failed': FAILED,
  'step-failed': FAILED,
  interrupted: FAILED,
  unexpected: { exit: 1, http: 500, grpc: 'internal' },
  usage: WRONG,
  'too-large': { state: 'untouched', exit: 2, http: 413, grpc: 'resource_exhausted' },
  config: REFUSED,
  refused: REFUSED,
  'not-found': { state: 'untouched', exit: 2, http: 404, grpc: 'not_found' },
  ambiguous: { state: 'untouched', exit: 2, http: 409, grpc: 'invalid_argument' },
  /** The request must say that it means it. */
  unconfirmed: { state: 'untouched', exit: 2, http: 428, grpc: 'failed_precondition' },
  /** A job can't be cancelled any more. */
  'too-late': { state: 'untouched', exit: 2, http: 409, grpc: 'failed_precondition' },
  unauthenticated: { state: 'untouched', exit: 2, http: 401, grpc: 'unauthenticated' },
  forbidden: { state: 'untouched', exit: 2, http: 403, grpc: 'permission_denied' },
  attention: { state: 'half-done', exit: 3, http: 409, grpc: 'failed_precondition' },
  busy: { state: 'untouched', exit: 4, http: 409, grpc: 'aborted' },
  'engine-unreachable': AWAY,
  'registry-unreachable': AWAY,
  'source-unreachable': AWAY,
  'rate-limited': AWAY,
  /** The client exceeds its rate limit. */
  'too-many-requests': { state: 'untouched', exit: 5, http: 429, grpc: 'resource_exhausted' },
  /** The proxy in front of a service is out of reach; nothing was touched. */
  'proxy-unreachable': AWAY,
  /** The proxy's configuration is broken, or has no such route; nothing was touched. */
  'proxy-config': REFUSED,
  /** The proxy refused a change of a route; the state before is in force. */
  'proxy-refused': FAILED,
  'bad-answer': { state: 'untouched', exit: 5, http: 502, grpc: 'unavailable' },
  'no-such-image': UNUSABLE,
  'wrong-platform': UNUSABLE,
  login: UNUSABLE,
} as const satisfies Readonly<Record<string, Meaning>>;

export type ErrorCode = keyof typeof CODES;

/** All codes, for documents that list them. */
export const ERROR_CODES = Object.keys(CODES) as readonly ErrorCode[];

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(CODES, text);
}

/** The exit status of the process for an error code. */
export function exitStatus(code: ErrorCode): number {
  return CODES[code].exit;
}

/** The usual state after an error code; undefined if nothing is known. */
export function usualState(code: ErrorCode): ErrorState | undefined {
  const { state }: Meaning = CODES[code];
  return state;
}

/** The HTTP status of a request that started nothing for an error code. */
export function httpStatus(code: ErrorCode): number {
  return CODES[code].http;
}

/** The gRPC status of a call that started nothing for an error code. */
export function grpcStatus(code: ErrorCode): GrpcStatus {
  return CODES[code].grpc;
}

/** The optional parts of an error. */
interface ErrorOptions {
  /** The state, if it is not the usual one after this code. */
  readonly state?: ErrorState | undefined;
  readonly hint?: string;
  readonly cause?: unknown;
  readonly log?: readonly string[];
  /** The names that the caller can use instead. */
  readonly choices?: readonly string[];
}

/** The only error that swapctl raises on purpose: what happened (message), what to do next (hint), and why (cause). */
export class SwapError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** Undefined: unknown. */
  readonly state: ErrorState | undefined;
  /** The last lines of output, if a program failed. */
  readonly log: readonly string[];
  readonly choices: readonly string[];

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'SwapError';
    this.code = code;
    this.hint = options.hint;
    this.state = options.state ?? usualState(code);
    this.log = options.log ?? [];
    this.choices = options.choices ?? [];
  }
}

/** Raises a SwapError; typed `never` so that callers can write `x ?? fail(...)`. */
export function fail(code: ErrorCode, message: string, options: ErrorOptions = {}): never {
  throw new SwapError(code, message, options);
}

/** The text of anything thrown, for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
