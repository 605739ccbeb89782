import { fail } from '../../core/model/error.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { HistoryEntry } from '../../core/service/labels.ts';
import type { SwarmService } from '../../core/swarm/model.ts';
import type { Ports } from '../../ports/ports.ts';
import { imageParts, type ServiceImage } from './image.ts';
import { memoryFor } from './memory.ts';
import { rollSwarmService, type SwarmRollOptions, serviceNamed } from './roll.ts';

/**
 * Rolls a service to the image that it ran before, in its present spec: Swarm's own rollback would also undo all other changes since, and
 * rolls forward again on a second request.
 */
export async function rollbackSwarm(
  ports: Ports,
  name: string,
  wanted: string | undefined,
  options: SwarmRollOptions,
): Promise<ServiceReport> {
  const image = await previousOf(ports, await serviceNamed(ports, name), wanted);
  return rollSwarmService(ports, name, { ...options, target: { kind: 'local', image } });
}

/** The image that a rollback goes to. Raises `no-history`. */
export async function previousOf(
  ports: Ports,
  service: SwarmService,
  wanted: string | undefined,
): Promise<ServiceImage> {
  const { history } = await memoryFor(ports, service.id);
  const { digest: current } = imageParts(service.image);
  const entries = history?.entries ?? [];
  const earlier = entries.filter(({ digest }) => digest !== undefined && digest !== current);
  const entry = earlier.find((one) => wanted === undefined || names(one, wanted));
  if (entry) return { follows: entry.follows, digest: entry.digest };
  const { previousImage } = service;
  if (wanted === undefined && previousImage !== undefined && previousImage !== service.image)
    return imageParts(previousImage);
  return fail(
    'no-history',
    `${service.name} has no earlier image${wanted ? ` ${JSON.stringify(wanted)}` : ''} to go back to`,
    {
      hint: 'swapctl history shows what it ran; swapctl roll --image REF rolls to any image',
    },
  );
}

const SHORTEST_DIGEST = 6;

function names({ follows, digest = '' }: HistoryEntry, wanted: string): boolean {
  const hex = wanted.replace(/^sha256:/, '');
  return follows === wanted || (hex.length >= SHORTEST_DIGEST && digest.replace(/^sha256:/, '').startsWith(hex));
}
