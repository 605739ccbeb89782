import type { Container, ContainerConfig, Image } from '../model/container.ts';

/** Published ports that other containers in the network of the publishing container serve, or may serve. */
export interface Served {
  /** Container ports, like `8080/tcp`. */
  readonly ports: readonly string[];
  /** Names of those containers. */
  readonly by: readonly string[];
  /** True: their images declare the ports (EXPOSE). */
  readonly certain: boolean;
}

/**
 * The published ports that a container alone would not serve. A port is its own only if its image exposes it, and no other image
 * in its network does. Undefined if all are its own.
 */
export function servedByOthers(
  owner: Pick<Container, 'host'>,
  image: Pick<Image, 'config'> | undefined,
  inside: readonly Pick<Container, 'name' | 'config'>[],
): Served | undefined {
  const foreign = boundPorts(owner).filter((port) => {
    return !exposes(image?.config, port) || inside.some(({ config }) => exposes(config, port));
  });
  if (inside.length === 0 || foreign.length === 0) return undefined;
  const serving = inside.filter(({ config }) => foreign.some((port) => exposes(config, port)));
  const ports = foreign.filter((port) => serving.length === 0 || serving.some(({ config }) => exposes(config, port)));
  const by = (serving.length > 0 ? serving : inside).map(({ name }) => name);
  return { ports, by, certain: serving.length > 0 };
}

// Ports that the engine picks do not require a stand-in.
function boundPorts({ host }: Pick<Container, 'host'>): string[] {
  const bindings = Object.entries(host.PortBindings ?? {});
  return bindings.flatMap(([port, hosts]) => {
    const isFixed = (hosts ?? []).some(({ HostPort }) => HostPort && HostPort !== '0');
    return isFixed ? [port.includes('/') ? port : `${port}/tcp`] : [];
  });
}

function exposes(config: ContainerConfig | undefined, port: string): boolean {
  return port in (config?.ExposedPorts ?? {});
}
