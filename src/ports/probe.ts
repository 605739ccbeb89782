/** The address of a probe; with a path, by HTTP. */
export interface ProbeAddress {
  readonly host: string;
  readonly port: number;
  readonly path?: string;
  /** The Host header, instead of the address. */
  readonly hostHeader?: string;
}

export interface ProbeAnswer {
  readonly ok: boolean;
  /** True if the address itself answered, if only by refusing the connection. */
  readonly reached: boolean;
  /** For people; for an HTTP error answer it includes the first line of the body. */
  readonly output: string;
  /** The HTTP status, if there was an answer. */
  readonly status?: number;
}
