import type { EngineFacts } from '../../ports/ports.ts';

/** Whether the engine changes nothing about a container that is there: Podman's Docker API (4.3) has no such call. */
export function cannotUpdate({ product }: Pick<EngineFacts, 'product'>): boolean {
  return product === 'podman';
}

/** Whether archives of what is in a container name its own user as the owner of every file, as those of Podman's Docker API (4.3) do. */
export function tellsNoOwners({ product }: Pick<EngineFacts, 'product'>): boolean {
  return product === 'podman';
}

/**
 * Whether published ports are led by rules that know nothing of a stand-in: Podman's rewrite the sender of what comes from loopback and
 * from its own networks only for connections that passed these very rules.
 */
export function leadsPortsItself({ product }: Pick<EngineFacts, 'product'>): boolean {
  return product === 'podman';
}
