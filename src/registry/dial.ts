import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { bareHost, isInnerHost, outerLookup } from './addresses.ts';
import { once } from './once.ts';
import { type Settings, trustedAuthorities } from './settings.ts';

/** How a request gets to its host. */
export interface Route {
  /** The registry (`host:port`) whose certificates and exceptions count; a token server is trusted like its registry. */
  readonly registry: string;
  /** Whether inner addresses are out of bounds: the registry led here, and is not at such an address itself. */
  readonly outerOnly: boolean;
}

/** The connections of one run, kept open between requests. */
export interface Dial {
  dispatcher(url: URL, route: Route): Promise<Dispatcher>;
  /** `https`, or `http` for a registry that is excepted from TLS and does not speak it. */
  scheme(registry: string): Promise<'https' | 'http'>;
  close(): void;
}

/** At once to one host. */
export const CONNECTIONS = 16;
const PROBE_MS = 3000;

/** How long a host may take, in milliseconds. */
export interface Patience {
  readonly connect: number;
  /** To the first byte of an answer. */
  readonly headers: number;
  /** Between two bytes of an answer. */
  readonly body: number;
  /** One attempt, from the connection to the last byte. */
  readonly attempt: number;
}

export const PATIENCE: Patience = { connect: 10_000, headers: 15_000, body: 15_000, attempt: 30_000 };

type Env = Readonly<Record<string, string | undefined>>;

/** Opens connections with the settings of this machine's engine, through the proxies of the environment. */
export function openDial(settings: Settings, env: Env, patience: Patience = PATIENCE): Dial {
  const dispatchers = new Map<string, Promise<Dispatcher>>();
  const schemes = new Map<string, Promise<'https' | 'http'>>();
  const trust = trustOf(env);
  const make = async (url: URL, route: Route): Promise<Dispatcher> => {
    const tls = url.protocol === 'https:' ? await tlsOptions(settings, trust, url, route) : {};
    return dispatcherOf(url, { ...tls, ...(route.outerOnly ? { lookup: outerLookup } : {}) }, env, patience);
  };
  return {
    dispatcher: (url, route) =>
      once(dispatchers, `${url.origin} ${route.registry} ${route.outerOnly}`, () => make(url, route)),
    scheme: (registry) =>
      once(schemes, registry, async () =>
        !(await settings.isInsecure(registry)) || (await speaksTls(registry)) ? 'https' : 'http',
      ),
    close: () => {
      for (const dispatcher of dispatchers.values()) void dispatcher.then((open) => open.destroy()).catch(() => {});
    },
  };
}

function dispatcherOf(url: URL, options: object, env: Env, patience: Patience): Dispatcher {
  const common = {
    connections: CONNECTIONS,
    headersTimeout: patience.headers,
    bodyTimeout: patience.body,
    connect: { timeout: patience.connect, ...options },
  };
  const proxy = (name: string): string => env[name.toLowerCase()] || env[name] || '';
  const proxies = { httpProxy: proxy('HTTP_PROXY'), httpsProxy: proxy('HTTPS_PROXY'), noProxy: proxy('NO_PROXY') };
  // As Go has it: what is on this machine is never asked for through a proxy.
  if ((!proxies.httpProxy && !proxies.httpsProxy) || isLoopback(url.hostname)) return new Agent(common);
  return new EnvHttpProxyAgent({ ...common, ...proxies, requestTls: options, proxyTunnel: false });
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

async function tlsOptions(settings: Settings, trust: Trust, url: URL, { registry }: Route): Promise<object> {
  const { ca, cert, key } = settings.certificates(registry);
  // Our own certificate is for the registry alone.
  const own = url.host === registry && cert.length > 0 && key.length > 0 ? { cert: [...cert], key: [...key] } : {};
  return {
    secureContext: trust(ca, own),
    ...((await settings.isInsecure(registry)) ? { rejectUnauthorized: false } : {}),
  };
}

type Trust = (ca: readonly string[], own: object) => SecureContext;

/** Contexts for connections; what the machine trusts takes a while to read, so those that need no more share one. */
function trustOf(env: Env): Trust {
  const authorities = remembered(() => trustedAuthorities(env));
  const common = remembered(() => createSecureContext({ ca: authorities() }));
  return (ca, own) =>
    ca.length === 0 && Object.keys(own).length === 0
      ? common()
      : createSecureContext({ ca: [...authorities(), ...ca], ...own });
}

function speaksTls(registry: string): Promise<boolean> {
  const { hostname, port } = new URL(`https://${registry}`);
  return new Promise((resolve) => {
    const socket = connect({ host: bareHost(hostname), port: Number(port || 443), rejectUnauthorized: false });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_MS, () => end(false));
    socket
      .once('secureConnect', () => end(true))
      .once('error', () => end(false))
      .once('close', () => resolve(false));
  });
}

/** Whether a host is at an inner address, asked once; one whose name is unknown now is not. */
export function innerHosts(): (hostname: string) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>();
  return (hostname) => once(known, hostname, () => isInnerHost(hostname)).catch(() => false);
}

function remembered<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
