import type { Scope } from './scope.ts';

/** A caller of the server, and its scopes. */
export interface Principal {
  /** Of the token or the client certificate; `socket` for the unix socket. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly by: 'token' | 'certificate' | 'socket';
  /** The address of the caller; `unix` for the unix socket. */
  readonly address: string;
}

/** The refusal of a caller. The message is for the caller: it names no token, and no secret. */
export interface Refusal {
  readonly status: 401 | 429;
  readonly reason: RefusalReason;
  readonly message: string;
  readonly address: string;
  readonly retryAfterS?: number;
  /** A limit on log lines: true for one refusal per address and minute. */
  readonly log: boolean;
}

export type RefusalReason = 'no-credential' | 'not-a-token' | 'unknown-token' | 'expired' | 'unknown-certificate';

/** The result of authentication. */
export type Authenticated =
  | { readonly principal: Principal; readonly refusal?: undefined }
  | { readonly principal?: undefined; readonly refusal: Refusal };

/** One line of the audit log: a change that was asked for, or a refused caller. It has no field that can hold a secret. */
export interface AuditEntry {
  /** ISO 8601. */
  readonly time: string;
  /** Name of the token or certificate, `socket`, an actor of the server itself, or `-` for a refused caller. */
  readonly who: string;
  readonly by: Principal['by'] | 'hook' | 'server' | 'none';
  /** The address; `-` for the server itself. */
  readonly from: string;
  /** roll, rollback, update, check, cancel, recover, login. */
  readonly what: string;
  readonly service?: string | undefined;
  /** The id of the job. */
  readonly job?: string | undefined;
  /** accepted, denied, rolled, failed… */
  readonly outcome: string;
  /** The error code, if there is one. */
  readonly code?: string | undefined;
}
