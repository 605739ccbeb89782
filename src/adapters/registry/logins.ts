import type { Clock } from '../../ports/host.ts';
import type { LoginFor } from '../../ports/ports.ts';

const KEPT_MS = 60_000;

/**
 * Logins of registries, cached for a minute: a helper is a program of its own, and may ask a cloud. A minute is longer than a
 * check takes, and short enough to notice a new `docker login`.
 */
export function keptLogins(loginFor: LoginFor, clock: Clock): LoginFor {
  const kept = new Map<string, { readonly at: number; readonly login: ReturnType<LoginFor> }>();
  return (registry) => {
    const known = kept.get(registry);
    if (known && clock.now() - known.at < KEPT_MS) return known.login;
    const login = loginFor(registry);
    kept.set(registry, { at: clock.now(), login });
    return login;
  };
}
