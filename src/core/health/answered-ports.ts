import type { Container } from '../model/container.ts';

/** A TCP port that something in a container listens on. */
export interface Listener {
  readonly port: number;
  /** True: only the container itself can reach it. */
  readonly loopback: boolean;
}

/** A port on which the old container answered clients, and the new one does not. */
export interface LostPort {
  readonly port: number;
  /** `loopback`: reachable only from the container itself; `unexposed`: docker run -P publishes only the ports that an image exposes. */
  readonly why: 'closed' | 'loopback' | 'unexposed';
}

/** The TCP ports of a container that the engine publishes. */
export function publishedTcp({ published }: Pick<Container, 'published'>): number[] {
  const tcp = published.flatMap(({ containerPort }) => {
    const [port, protocol = 'tcp'] = containerPort.split('/');
    return protocol === 'tcp' ? [Number(port)] : [];
  });
  return [...new Set(tcp)].sort((a, b) => a - b);
}

/** The ports that answer from outside. */
export function answeredOf(ports: readonly number[], listeners: readonly Listener[]): number[] {
  return ports.filter((port) => listeners.some((one) => one.port === port && !one.loopback));
}

/** The published ports that do not answer clients of the container. */
export function lostOf(
  ports: readonly number[],
  container: Pick<Container, 'host' | 'published'>,
  listeners: readonly Listener[],
): LostPort[] {
  const answered = answeredOf(ports, listeners);
  const published = publishedTcp(container);
  return ports.flatMap((port): LostPort[] => {
    if (!answered.includes(port))
      return [{ port, why: listeners.some((one) => one.port === port) ? 'loopback' : 'closed' }];
    return container.host.PublishAllPorts && !published.includes(port) ? [{ port, why: 'unexposed' }] : [];
  });
}

const WHY: Readonly<Record<LostPort['why'], string>> = {
  closed: '',
  loopback: ' (only on its loopback address)',
  unexposed: ' (its image no longer exposes it)',
};

/** A clause about the ports that the new container lost; `it` is its name in the clause. */
export function describeLost(lost: readonly LostPort[], it = 'it'): string {
  const shown = lost.map(({ port, why }) => `${port}/tcp${WHY[why]}`);
  return `unlike the old container, ${it} does not serve the published port${lost.length > 1 ? 's' : ''} ${shown.join(', ')}`;
}
