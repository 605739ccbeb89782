/** A socket of the proxy, as seen where the proxy runs. */
export type ProxySocket = { readonly path: string } | { readonly host: string; readonly port: number };

/** An HTTP request to the proxy's own API. */
export interface ProxyRequest {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ProxyAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A process of the proxy. */
export interface ProxyProcess {
  readonly pid: number;
  readonly parent: number;
  /** The title, in which nginx shows what a worker is doing. */
  readonly title: string;
}

/**
 * The access of a driver to its proxy, in a container or on this host; paths and addresses are those that the proxy sees. All
 * calls raise `proxy-unreachable` if the proxy is out of reach.
 */
export interface ProxyAccess {
  /** Runs a program beside the proxy. Output is both streams together. */
  run(argv: readonly string[], signal: AbortSignal): Promise<{ readonly code: number; readonly output: string }>;
  /** The text of a file; undefined if there is none. */
  read(path: string, signal: AbortSignal): Promise<string | undefined>;
  /** Replaces a file by a rename in its folder, with the owner and mode of the previous file. */
  write(path: string, text: string, signal: AbortSignal): Promise<void>;
  /** Removes a file; succeeds if there is none. */
  remove(path: string, signal: AbortSignal): Promise<void>;
  /** The names in a folder; undefined if there is none. */
  list(folder: string, signal: AbortSignal): Promise<readonly string[] | undefined>;
  /** Sends a text to a socket and resolves with everything received until the other end closes. */
  exchange(socket: ProxySocket, text: string, signal: AbortSignal): Promise<string>;
  http(socket: ProxySocket, request: ProxyRequest, signal: AbortSignal): Promise<ProxyAnswer>;
  /** Sends a signal to the proxy's main process, such as `HUP`. */
  kill(name: string, signal: AbortSignal): Promise<void>;
  /** The proxy's processes, the main one first. */
  processes(signal: AbortSignal): Promise<readonly ProxyProcess[]>;
}
