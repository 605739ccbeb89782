import type { Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

/**
 * Re-creates what lives in the namespaces of another container of the slot (the one before, or one that is gone) to live in
 * those of this one; undefined where all does already.
 */
export function gather({ dependents }: Observed, { id: to }: Replica): Step | undefined {
  const from = dependents.find(({ on }) => on !== to)?.on;
  if (from === undefined) return undefined;
  const names = dependents.filter(({ on }) => on === from).map(({ name }) => name);
  return { kind: 'move-dependents', names, from, to };
}
