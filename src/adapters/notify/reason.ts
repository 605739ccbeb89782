import { messageOf } from '../../core/model/error.ts';

/** Why a message was not taken. */
export class Refused extends Error {
  /** Milliseconds after which another try is worth it; undefined: none is. */
  readonly againAfterMs: number | undefined;

  constructor(message: string, againAfterMs: number | undefined) {
    super(message);
    this.againAfterMs = againAfterMs;
  }
}

/** Why there was no answer, and whether that may pass. */
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

/** What a socket, or what stands on one, raised. */
export function reasonOf(error: unknown): Reason {
  const code = codeOf(error);
  // nodemailer has codes of its own, and repeats the system's in its message.
  const passing = PASSING[code] ?? PASSING[/\bE[A-Z]{4,}\b/.exec(messageOf(error))?.[0] ?? ''];
  if (passing !== undefined) return { text: passing, passing: true };
  return { text: code === 'ENOTFOUND' ? 'there is no such host' : messageOf(error) || code, passing: false };
}

// Of what lies behind, the first that has one: several addresses that were tried are an AggregateError.
function codeOf(error: unknown): string {
  const { code, cause, errors } = (error ?? {}) as { code?: unknown; cause?: unknown; errors?: readonly unknown[] };
  if (typeof code === 'string') return code;
  const behind = cause ?? errors?.[0];
  return behind === undefined ? '' : codeOf(behind);
}
