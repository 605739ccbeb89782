import type { Container, PublishedPort } from '../model/container.ts';
import type { Why } from './managed.ts';

/** The route from swapctl to the engine, perhaps through a container: a socket proxy, a jump host for ssh. */
export type EngineRoute =
  | { readonly kind: 'unix'; readonly path: string }
  /** `addresses`: the resolved addresses of the host. */
  | {
      readonly kind: 'tcp' | 'ssh';
      readonly host: string;
      readonly port: number;
      readonly addresses: readonly string[];
    };

/**
 * Why a container must not be rolled: swapctl reaches the engine through it, and would lose the engine in the middle of the roll.
 * Undefined for all others.
 */
export function whyRoute(container: Container, route: EngineRoute): Why | undefined {
  const through = route.kind === 'unix' ? throughSocket(container, route.path) : throughNetwork(container, route);
  if (through === undefined) return undefined;
  const { name } = container;
  return {
    message: `swapctl reaches the engine through ${name} (${through}), and would lose it in the middle of the roll`,
    hint: `roll it from the engine's machine, by the engine's own socket: swapctl --host unix:///var/run/docker.sock roll ${name}`,
  };
}

type NetworkRoute = Exclude<EngineRoute, { kind: 'unix' }>;

function throughNetwork(container: Container, route: NetworkRoute): string | undefined {
  const shown = `${route.kind}://${route.host.includes(':') ? `[${route.host}]` : route.host}:${route.port}`;
  const endpoints = Object.values(container.networks);
  const own = endpoints.flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address]);
  if (own.some((address) => address && route.addresses.includes(address))) return `its address is that of ${shown}`;
  return container.published.some((port) => isReachedBy(port, route)) ? `it publishes ${shown}` : undefined;
}

const ANY = ['', '0.0.0.0', '::'];

function isReachedBy({ containerPort, hostIp, hostPort }: PublishedPort, { port, addresses }: NetworkRoute): boolean {
  if (hostPort !== port || !containerPort.endsWith('/tcp')) return false;
  return ANY.includes(hostIp) || addresses.includes(hostIp);
}

// It has an engine's socket, and shares the folder of the socket that it provides.
function throughSocket({ mounts }: Container, path: string): string | undefined {
  const binds = mounts.filter(({ type, writable }) => type === 'bind' && writable);
  const folder = binds.find(({ source }) => source !== '/' && path.startsWith(`${source.replace(/\/$/, '')}/`));
  const engine = mounts.some(({ source }) => /\/(docker|podman)\.sock$/.test(source) && source !== path);
  return folder && engine ? `it shares the folder ${folder.source}, in which ${path} is` : undefined;
}
