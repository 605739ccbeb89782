import { SwapError } from '../../core/model/error.ts';
import { NO_LABELS } from '../../core/model/own-labels.ts';
import type { Policy } from '../../core/settings/policy.ts';
import { type Dependent, dependenciesOf, rollOrder, startable } from '../../core/update/order.ts';
import type { Look, Named } from '../target/target.ts';

/** The direct and indirect dependencies of each service; raises `config` for one whose settings name a missing service. */
export interface Dependencies {
  of(key: string): string[];
  /** The same for the existing services, without errors. */
  known(key: string): string[];
}

/** The dependencies in a target; `policies` of the services with valid settings. */
export function dependenciesAmong<S extends Named>(
  { services, labelsOf }: Pick<Look<S>, 'services' | 'labelsOf'>,
  policies: ReadonlyMap<string, Pick<Policy, 'dependsOn'>>,
): Dependencies {
  const keys = services.map(({ key }) => key);
  const labels = new Map(services.map((service) => [service.key, labelsOf(service)]));
  const direct = (key: string): string[] =>
    dependenciesOf(key, policies.get(key)?.dependsOn ?? [], labels.get(key) ?? NO_LABELS, keys);
  // A mistake in another service's settings is reported there.
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
      // rollOrder raises the error with the cycle.
      if (found.has(key)) rollOrder([...found].map((one) => ({ key: one, dependsOn: lenient(one) })));
      return [...found];
    },
    known: (key) => [...reached(lenient(key))],
  };
}

/**
 * Rolls services, each after its dependencies, a limited number at the same time. `roll` resolves with the reason for dependents
 * if it fails; that goes into `failed`. Dependents of a failure are not begun, and none is once the signal is aborted.
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
