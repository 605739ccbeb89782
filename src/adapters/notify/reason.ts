import { messageOf } from '../../core/model/error.ts';

/** Why a message was not accepted. */
export class Refused extends Error {
  /** Milliseconds until another try is worthwhile; undefined: it is not. */
  readonly againAfterMs: number | undefined;

  constructor(message: string, againAfterMs: number | undefined) {
    super(message);
    this.againAfterMs = againAfterMs;
  }
}

/** Why there was no answer, and true if a retry may help. */
export interface Reason {
  readonly text: string;
  readonly passing: boolean;
}

const PASSING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  EAI_AGAIN: 'its name can not be resolved now',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it can not be connected to in time',
  UND_ERR_CONNECT_TIMEOUT: 'it can not be connected to in time',
};

/** The reason in an error of a socket, or of a protocol above it. */
export function reasonOf(error: unknown): Reason {
  const code = codeOf(error);
  // nodemailer has codes of its own, and repeats the system's in its message.
  const passing = PASSING[code] ?? PASSING[/\bE[A-Z]{4,}\b/.exec(messageOf(error))?.[0] ?? ''];
  if (passing !== undefined) return { text: passing, passing: true };
  return { text: code === 'ENOTFOUND' ? 'there is no such host' : messageOf(error) || code, passing: false };
}

// Of the causes, the first with a code: a failure of several addresses is an AggregateError.
function codeOf(error: unknown): string {
  const { code, cause, errors } = (error ?? {}) as { code?: unknown; cause?: unknown; errors?: readonly unknown[] };
  if (typeof code === 'string') return code;
  const behind = cause ?? errors?.[0];
  return behind === undefined ? '' : codeOf(behind);
}
