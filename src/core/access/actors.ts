/** The server's own reasons to roll: a scheduled check, and a local image event. */
export type ServerActor = 'schedule' | 'local image';

/** Names of actors that callers could bear, if they were not reserved. */
export const RESERVED_NAMES: readonly string[] = ['socket', 'unknown', 'schedule'];

const HOOK = 'hook ';

/** The actor of a check that webhooks have caused, by their names in swapctl.yml. */
export function hookActor(names: Iterable<string>): string {
  return `${HOOK}${[...new Set(names)].sort().join(', ')}`.slice(0, 200);
}

/** The origin of a job, by its actor. */
export function triggerOf(actor: string): 'hook' | 'schedule' | 'api' {
  if (actor.startsWith(HOOK)) return 'hook';
  return OWN.includes(actor) ? 'schedule' : 'api';
}

const OWN: readonly string[] = ['schedule', 'local image'] satisfies ServerActor[];
