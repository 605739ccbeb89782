import type { Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

/**
 * Re-creates the containers in the namespaces of another container of the slot (the previous one, or a removed one) in those of
 * this one; undefined if there are none.
 */
export function gather({ dependents }: Observed, { id: to }: Replica): Step | undefined {
  const from = dependents.find(({ on }) => on !== to)?.on;
  if (from === undefined) return undefined;
  const names = dependents.filter(({ on }) => on === from).map(({ name }) => name);
  return { kind: 'move-dependents', names, from, to };
}
