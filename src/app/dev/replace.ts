import { fail } from '../../core/model/error.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import { beforeDevReference } from '../../core/service/names.ts';
import type { Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { recoverThenRoll } from '../rollout/attempt.ts';
import { trackedReference } from '../rollout/prepare.ts';
import type { RollOptions } from '../rollout/roll-slot.ts';
import { pick } from '../select/chosen.ts';
import { imageCache, listed } from '../select/own.ts';

/**
 * Rolls a service to a local build, under its tracked reference; the roll moves that tag, and back if it fails. Tries even a
 * failed image again: the user has just saved it.
 */
export async function rollToImage(
  ports: Ports,
  key: string,
  image: string,
  options: Omit<RollOptions, 'target' | 'force' | 'pull'>,
): Promise<ServiceReport> {
  const service = pick(await listed(ports.engine), [key], key);
  const follows = await trackedBy(ports, service);
  const runsIt = service.slots.every(({ members }) => members.every(({ imageId }) => imageId === image));
  return recoverThenRoll(ports, (all) => pick(all, [key], key), {
    ...options,
    target: { kind: 'local', image: { follows, id: image, digest: undefined } },
    pull: 'never',
    force: !runsIt || options.carry !== undefined,
  });
}

async function trackedBy(ports: Ports, service: Service): Promise<string> {
  const [member] = service.slots[0]?.members ?? [];
  const container = member && (await ports.engine.container(member.id));
  if (!container) return fail('not-found', `${service.key} has no replica`);
  const { tag, text } = await trackedReference({ ports, images: imageCache() }, container);
  if (tag !== undefined) return text;
  return fail('refused', `${service.key} follows the digest ${text}, which no build can be`, {
    hint: 'let it follow a tag: swapctl roll it with --image NAME:TAG',
  });
}

/** Retains the image of a service, against a prune and later rolls, until it is released. */
export async function keepBefore(ports: Ports, key: string, image: string): Promise<void> {
  await ports.engine.tag(image, beforeDevReference(key, ports.host.sha256));
}

/** Releases the retained image. */
export async function letGoBefore(ports: Ports, key: string): Promise<void> {
  await ports.engine.untag(beforeDevReference(key, ports.host.sha256));
}
