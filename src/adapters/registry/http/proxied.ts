import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { CONNECTIONS, type Connections, type ConnectOptions, type Timeouts } from './connections.ts';

/** The proxies of an environment, in undici's form. */
export interface Proxies {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

/** Connections through proxies, except for exempt hosts. */
export function proxiedConnections(proxies: Proxies, connect: ConnectOptions, timeouts: Timeouts): Connections {
  const dispatcher: Dispatcher = new EnvHttpProxyAgent({
    connections: CONNECTIONS,
    headersTimeout: timeouts.headers,
    bodyTimeout: timeouts.body,
    connect: { timeout: timeouts.connect, ...connect },
    ...proxies,
    requestTls: connect,
    proxyTunnel: false,
  });
  return {
    exchange: async ({ url, ...options }) => {
      const { statusCode, headers, body } = await request(url, { ...options, dispatcher });
      return { status: statusCode, headers, body };
    },
    close: () => void dispatcher.destroy().catch(() => {}),
  };
}
