/** What can go wrong, as a closed list; the exit status of each is a contract with scripts (docs/reference/results.md). */
const EXIT_STATUS = {
  // 1: failed, the old version serves as before
  'bad-image': 1,
  'build-failed': 1,
  'known-bad': 1,
  'not-healthy': 1,
  'cannot-create': 1,
  'cannot-start': 1,
  'cannot-start-again': 1,
  unproven: 1,
  'disk-full': 1,
  'no-history': 1,
  'image-moved': 1,
  'backup-failed': 1,
  'step-failed': 1,
  interrupted: 1,
  // 2: wrong usage or configuration, nothing touched
  usage: 2,
  config: 2,
  'not-found': 2,
  ambiguous: 2,
  refused: 2,
  // 3: needs attention
  attention: 3,
  // 4: another roll of it is under way
  busy: 4,
  // 5: engine or registry out of reach, nothing touched
  'engine-unreachable': 5,
  'registry-unreachable': 5,
  'source-unreachable': 5,
  'rate-limited': 5,
  'bad-answer': 5,
  'no-such-image': 5,
  'wrong-platform': 5,
  login: 5,
} as const;

export type ErrorCode = keyof typeof EXIT_STATUS;

/** Whether a text from elsewhere is one of the codes. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(EXIT_STATUS, text);
}

/** The exit status of the process for an error code. */
export function exitStatus(code: ErrorCode): number {
  return EXIT_STATUS[code];
}

/** What an error may say beside its message. */
interface ErrorOptions {
  readonly hint?: string;
  readonly cause?: unknown;
  readonly log?: readonly string[];
}

/** The one error that swapctl raises on purpose: what happened (message), what to do next (hint), and why (cause). */
export class SwapError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** The last lines of what failed, where it is a program that did. */
  readonly log: readonly string[];

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'SwapError';
    this.code = code;
    this.hint = options.hint;
    this.log = options.log ?? [];
  }
}

/** Raises a SwapError; typed `never` so that callers can write `x ?? fail(...)`. */
export function fail(code: ErrorCode, message: string, options: ErrorOptions = {}): never {
  throw new SwapError(code, message, options);
}

/** The text of anything that was thrown, for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
