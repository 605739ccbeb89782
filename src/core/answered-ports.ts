import type { Container } from './container.ts';

/** A TCP port that something in a container listens on. */
export interface Listener {
  readonly port: number;
  /** Whether only the container itself can reach it. */
  readonly loopback: boolean;
}

/** A published port on which the old container answers, and the new one does not; `loopback`: only to itself. */
export type LostPort = Listener;

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

/** Those on which nobody does. */
export function lostOf(ports: readonly number[], listeners: readonly Listener[]): LostPort[] {
  const answered = answeredOf(ports, listeners);
  const lost = ports.filter((port) => !answered.includes(port));
  return lost.map((port) => ({ port, loopback: listeners.some((one) => one.port === port) }));
}

/** A clause about the new container. */
export function describeLost(lost: readonly LostPort[]): string {
  const shown = lost.map(({ port, loopback }) => `${port}/tcp${loopback ? ' (only on its loopback address)' : ''}`);
  return `it does not listen on the published port${lost.length > 1 ? 's' : ''} ${shown.join(', ')}, as the old container does`;
}
