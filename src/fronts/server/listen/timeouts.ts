/** The time limits of listeners, in milliseconds. */
export interface Timeouts {
  /** For a TLS handshake, and for the head of a request. */
  readonly headers: number;
  /** For a whole request. */
  readonly request: number;
  /** Between two checks for late clients. */
  readonly lookEvery: number;
  /** For the next request of a connection. */
  readonly keepAlive: number;
  /** Between two checks of the TLS files. */
  readonly reloadEvery: number;
}

/** The time limits of a server: a client that sends its head or body slower than this is a slow-loris, or gone. */
export const TIMEOUTS: Timeouts = {
  headers: 10_000,
  request: 30_000,
  lookEvery: 2_000,
  keepAlive: 65_000,
  reloadEvery: 10_000,
};
