import type { ReplicaStatus } from '../report/status.ts';

/** Why a baking canary host is unhealthy; undefined if it is healthy. `before` is its state when the bake began. */
export function whyNotWell(before: readonly ReplicaStatus[], now: readonly ReplicaStatus[]): string | undefined {
  for (const replica of now) {
    const { container, phase, health, startedAt } = replica;
    if (phase === 'unhealthy' || health === 'unhealthy') return `${container} became unhealthy`;
    if (phase === 'restarting') return `${container} restarts again and again`;
    if (phase === 'stopped') return `${container} ended`;
    const earlier = before.find((one) => one.id === replica.id);
    if (earlier && earlier.startedAt !== startedAt) return `${container} was restarted`;
  }
  const gone = before.find(({ id }) => now.every((one) => one.id !== id));
  return gone && `${gone.container} is gone`;
}

/** How much of the bake time is left, by the roll of the replica that was rolled last. */
export function bakeLeft(bakeMs: number, replicas: readonly ReplicaStatus[]): number {
  const ages = replicas.map(({ lastRollAgeMs }) => lastRollAgeMs ?? 0);
  return Math.max(0, bakeMs - Math.min(...ages, bakeMs));
}
