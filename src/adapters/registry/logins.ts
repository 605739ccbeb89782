import type { Clock } from '../../ports/host.ts';
import type { LoginFor } from '../../ports/ports.ts';

const KEPT_MS = 60_000;

/**
 * Logins of registries, asked for once and kept for a minute: a helper is a program of its own, and may ask a cloud. The
 * minute is longer than a check takes, and short enough for a new `docker login` to be noticed.
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
