import type { Container } from '../model/container.ts';

/** A TCP port that something in a container listens on. */
export interface Listener {
  readonly port: number;
  /** Whether only the container itself can reach it. */
  readonly loopback: boolean;
}

/** A port on which clients of the old container were answered, and those of the new one are not. */
export interface LostPort {
  readonly port: number;
  /** `loopback`: something listens there, for the container alone; `unexposed`: docker run -P publishes what an image exposes. */
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

/** Those of some ports on which somebody answers from outside. */
export function answeredOf(ports: readonly number[], listeners: readonly Listener[]): number[] {
  return ports.filter((port) => listeners.some((one) => one.port === port && !one.loopback));
}

/** Those on which no client of the container is answered. */
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

/** A clause about the new container, by what it is called in it. */
export function describeLost(lost: readonly LostPort[], it = 'it'): string {
  const shown = lost.map(({ port, why }) => `${port}/tcp${WHY[why]}`);
  return `unlike the old container, ${it} does not serve the published port${lost.length > 1 ? 's' : ''} ${shown.join(', ')}`;
}
