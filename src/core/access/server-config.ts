import type { Listen } from './listen.ts';
import type { Scope } from './scope.ts';

/** A client certificate that may call the server. */
export interface ClientConfig {
  /** For the audit log. */
  readonly name: string;
  /** Attributes that the subject of the certificate must have: `CN=ci,O=Shop`. */
  readonly subject: string;
  readonly scopes: readonly Scope[];
}

/** The `server` section of swapctl.yml. Paths are absolute, or relative to the current folder like the path of the file. */
export interface ServerConfig {
  /** Empty: only the unix socket at its usual path. */
  readonly listen: readonly Listen[];
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string | undefined } | undefined;
  /** Path of the token file. */
  readonly tokens: string | undefined;
  readonly clients: readonly ClientConfig[];
  /** Addresses and networks of proxies whose X-Forwarded-For counts. */
  readonly trustProxy: readonly string[];
  /** Path of the audit log; undefined: stderr. */
  readonly audit: string | undefined;
  /** True: the server answers gRPC and its reflection requests. */
  readonly grpc: boolean;
  readonly reflection: boolean;
}

/** The configuration without a `server` section. */
export const NO_SERVER: ServerConfig = {
  listen: [],
  tls: undefined,
  tokens: undefined,
  clients: [],
  trustProxy: [],
  audit: undefined,
  grpc: true,
  reflection: true,
};

/** The reason why the server must not listen on an address; undefined: it may. */
export function whyNotListen(listen: Listen, { tokens, clients, tls }: ServerConfig): string | undefined {
  if (listen.kind === 'unix') return undefined;
  if (tokens === undefined && clients.length === 0)
    return 'a TCP address needs server.tokens or server.clients: without them, everybody who reaches it would be root on this host';
  if (clients.length > 0 && tls?.ca === undefined)
    return 'server.clients needs server.tls with cert, key, and the ca of the client certificates';
  return undefined;
}
