import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { CONNECTIONS, type ConnectOptions, type Patience, type Way } from './way.ts';

/** The proxies of an environment, in undici's form. */
export interface Proxies {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

/** Connections through proxies, except for exempt hosts. */
export function proxiedWay(proxies: Proxies, connect: ConnectOptions, patience: Patience): Way {
  const dispatcher: Dispatcher = new EnvHttpProxyAgent({
    connections: CONNECTIONS,
    headersTimeout: patience.headers,
    bodyTimeout: patience.body,
    connect: { timeout: patience.connect, ...connect },
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
