import { SwapError } from '../../core/model/error.ts';
import { NO_LABELS } from '../../core/model/own-labels.ts';
import type { Policy } from '../../core/settings/policy.ts';
import { type Dependent, dependenciesOf, rollOrder, startable } from '../../core/update/order.ts';
import type { Look, Named } from '../target/target.ts';

/** The services that each service depends on, also through others; raises `config` for one whose settings name what is not there. */
export interface Dependencies {
  of(key: string): string[];
  /** The same, of what is there, whatever else is wrong. */
  known(key: string): string[];
}

/** The dependencies in a target; `policies` of those services whose settings count. */
export function dependenciesAmong<S extends Named>(
  { services, labelsOf }: Pick<Look<S>, 'services' | 'labelsOf'>,
  policies: ReadonlyMap<string, Pick<Policy, 'dependsOn'>>,
): Dependencies {
  const keys = services.map(({ key }) => key);
  const labels = new Map(services.map((service) => [service.key, labelsOf(service)]));
  const direct = (key: string): string[] =>
    dependenciesOf(key, policies.get(key)?.dependsOn ?? [], labels.get(key) ?? NO_LABELS, keys);
  // A mistake in the settings of another service is told there.
  const lenient = (key: string): string[] => {
    try {
      return direct(key);
    } catch (raised) {
      if (raised instanceof SwapError) return [];
      throw raised;
    }
  };
  const reached = (first: readonly string[]): Set<string> => {
    const found = new Set<string>();
    const queue = [...first];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      queue.push(...lenient(next));
    }
    return found;
  };
  return {
    of: (key) => {
      const found = reached(direct(key));
      // It tells the circle.
      if (found.has(key)) rollOrder([...found].map((one) => ({ key: one, dependsOn: lenient(one) })));
      return [...found];
    },
    known: (key) => [...reached(lenient(key))],
  };
}

/**
 * Rolls services, each after all that it depends on, so many at the same time. `roll` resolves with what is to be said of a
 * failure to those that depend on it; that is put into `failed`. What hangs on a failure is not begun, and nothing is once
 * the signal is aborted.
 */
export async function rollInOrder<T extends Dependent>(
  services: readonly T[],
  { failed, atOnce, signal }: { failed: Map<string, string>; atOnce: number; signal: AbortSignal },
  roll: (service: T) => Promise<string | undefined>,
): Promise<void> {
  const done = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const begin = async (service: T): Promise<void> => {
    const why = await roll(service).finally(() => running.delete(service.key));
    if (why === undefined) done.add(service.key);
    else failed.set(service.key, why);
  };
  for (;;) {
    const sofar = { done, failed: new Set(failed.keys()), running: new Set(running.keys()) };
    const next = signal.aborted ? [] : startable(services, sofar, atOnce);
    for (const service of next) running.set(service.key, begin(service));
    if (running.size === 0) return;
    await Promise.race(running.values());
  }
}
