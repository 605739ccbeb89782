import type { EngineFacts } from '../../ports/ports.ts';

/** True: the engine can't change an existing container: Podman's Docker API (4.3) has no such call. */
export function cannotUpdate({ product }: Pick<EngineFacts, 'product'>): boolean {
  return product === 'podman';
}

/** True: archives from a container name its own user as the owner of every file, as with Podman's Docker API (4.3). */
export function lacksOwners({ product }: Pick<EngineFacts, 'product'>): boolean {
  return product === 'podman';
}

/**
 * True: the engine redirects published ports by rules that ignore a stand-in: Podman's rewrite the sender of connections from
 * loopback and its own networks only if they passed these very rules.
 */
export function redirectsPortsItself({ product }: Pick<EngineFacts, 'product'>): boolean {
  return product === 'podman';
}
