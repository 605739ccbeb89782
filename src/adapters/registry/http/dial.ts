import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { type Settings, trustedAuthorities } from '../settings.ts';
import { bareHost, isInnerHost, outerLookup } from './addresses.ts';
import { type Connections, type ConnectOptions, directConnections, type Timeouts } from './connections.ts';
import { once } from './once.ts';

/** The route of a request to its host. */
export interface Route {
  /** The registry (`host:port`) whose certificates and exceptions apply; a token server is trusted like its registry. */
  readonly registry: string;
  /** True: inner addresses are forbidden, because the registry redirected here and is not at such an address itself. */
  readonly outerOnly: boolean;
}

/** The connections of one run, kept open between requests. */
export interface Dial {
  way(url: URL, route: Route): Promise<Connections>;
  /** `https`, or `http` for a registry that is exempt from TLS and does not offer it. */
  scheme(registry: string): Promise<'https' | 'http'>;
  close(): void;
}

const PROBE_MS = 3000;

export const TIMEOUTS: Timeouts = { connect: 10_000, headers: 15_000, body: 15_000, attempt: 30_000 };

type Env = Readonly<Record<string, string | undefined>>;

/** Opens connections with the settings of this machine's engine, through the proxies of the environment. */
export function openDial(settings: Settings, env: Env, timeouts: Timeouts = TIMEOUTS): Dial {
  const pools = new Map<string, Promise<Connections>>();
  const schemes = new Map<string, Promise<'https' | 'http'>>();
  const trust = trustOf(env);
  const make = async (url: URL, route: Route): Promise<Connections> => {
    const tls = url.protocol === 'https:' ? await tlsOptions(settings, trust, url, route) : {};
    return connectionsTo(url, { ...tls, ...(route.outerOnly ? { lookup: outerLookup } : {}) }, env, timeouts);
  };
  return {
    way: (url, route) => once(pools, `${url.origin} ${route.registry} ${route.outerOnly}`, () => make(url, route)),
    scheme: (registry) =>
      once(schemes, registry, async () =>
        !(await settings.isInsecure(registry)) || (await speaksTls(registry)) ? 'https' : 'http',
      ),
    close: () => {
      for (const way of pools.values()) void way.then((open) => open.close()).catch(() => {});
    },
  };
}

async function connectionsTo(url: URL, options: ConnectOptions, env: Env, timeouts: Timeouts): Promise<Connections> {
  const proxy = (name: string): string => env[name.toLowerCase()] || env[name] || '';
  const proxies = { httpProxy: proxy('HTTP_PROXY'), httpsProxy: proxy('HTTPS_PROXY'), noProxy: proxy('NO_PROXY') };
  // As in Go: addresses on this machine never go through a proxy.
  const direct = (!proxies.httpProxy && !proxies.httpsProxy) || isLoopback(url.hostname);
  if (direct) return directConnections(url.protocol === 'https:', options, timeouts);
  const { proxiedConnections } = await import('./proxied.ts');
  return proxiedConnections(proxies, options, timeouts);
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

async function tlsOptions(settings: Settings, trust: Trust, url: URL, { registry }: Route): Promise<ConnectOptions> {
  const { ca, cert, key } = await settings.certificates(registry);
  // The client certificate is only for the registry.
  const own = url.host === registry && cert.length > 0 && key.length > 0 ? { cert: [...cert], key: [...key] } : {};
  return {
    secureContext: await trust(ca, own),
    ...((await settings.isInsecure(registry)) ? { rejectUnauthorized: false } : {}),
  };
}

type Trust = (ca: readonly string[], own: object) => Promise<SecureContext>;

/** TLS contexts; reading the machine's trust store takes a while, so connections without further needs share one. */
function trustOf(env: Env): Trust {
  const authorities = remembered(() => trustedAuthorities(env));
  const common = remembered(async () => createSecureContext({ ca: await authorities() }));
  return async (ca, own) =>
    ca.length === 0 && Object.keys(own).length === 0
      ? common()
      : createSecureContext({ ca: [...(await authorities()), ...ca], ...own });
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

/** True: a host is at an inner address, resolved once; a presently unknown name counts as not. */
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
