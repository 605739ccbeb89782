import type { HealthConfig } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import { atDigest, type ImageRef, parseReference } from '../../core/model/reference.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { SwarmService } from '../../core/swarm/model.ts';
import type { RollTarget } from '../../core/update/roll-target.ts';
import type { Ports } from '../../ports/ports.ts';
import { referenceNow } from '../image/track.ts';

/** An image of a Swarm service: the tracked reference, and the digest that Swarm pins. */
export interface ServiceImage {
  readonly follows: string;
  readonly digest: string | undefined;
}

const STACK_IMAGE = 'com.docker.stack.image';

/** The parts of an image in a service's spec. */
export function imageParts(image: string): ServiceImage {
  const at = image.indexOf('@');
  return at < 0 ? { follows: image, digest: undefined } : { follows: image.slice(0, at), digest: image.slice(at + 1) };
}

/** An image in the form of a spec: with the tag, so that users see the tracked reference, and with the digest, which nodes pull. */
export function pinnedImage({ follows, digest }: ServiceImage): string {
  return digest === undefined ? follows : `${follows}@${digest}`;
}

/** The tracked reference of a service; undefined if its user pinned a digest. */
export function trackedBy({ image, labels }: Pick<SwarmService, 'image' | 'labels'>): ImageRef | undefined {
  if (labels[STACK_IMAGE]?.includes('@')) return undefined;
  const { follows, digest } = imageParts(image);
  const hasTag = follows.lastIndexOf(':') > follows.lastIndexOf('/');
  return hasTag || digest === undefined ? parseReference(follows) : undefined;
}

/** The parts of a request beside the service. */
interface Asked {
  readonly target: RollTarget<ServiceImage>;
  readonly signal: AbortSignal;
}

/** The image to roll to, resolved once, so that all nodes run the same. Raises `refused` and the errors of the registry. */
export async function wantedImage(
  ports: Pick<Ports, 'registry' | 'report'>,
  service: SwarmService,
  policy: Pick<Policy, 'track'>,
  { target, signal }: Asked,
): Promise<ServiceImage> {
  switch (target.kind) {
    case 'local':
      return target.image;
    case 'checked':
      return { follows: target.reference, digest: target.digest };
    case 'digest':
      return { follows: imageParts((target.reference ?? tracked(service)).text).follows, digest: target.digest };
    case 'reference': {
      const { text, digest } = target.reference;
      return digest === undefined ? resolved(ports, target.reference, signal) : imageParts(text);
    }
    case 'followed': {
      const { reference, note } = await referenceNow(ports, policy.track, tracked(service), signal);
      if (note !== undefined) ports.report({ kind: 'note', text: `${service.name}: ${note}` });
      return resolved(ports, reference, signal);
    }
  }
}

async function resolved(
  { registry, report }: Pick<Ports, 'registry' | 'report'>,
  ref: ImageRef,
  signal: AbortSignal,
): Promise<ServiceImage> {
  report({ kind: 'resolving', reference: ref.text });
  return { follows: ref.text, digest: await registry.digest(ref, signal) };
}

function tracked(service: SwarmService): ImageRef {
  return trackedBy(service) ?? pinned(service);
}

function pinned({ name, image, labels }: SwarmService): never {
  return fail(
    'refused',
    `${name} is pinned to a digest (${labels[STACK_IMAGE] ?? image}), so it follows nothing newer`,
    {
      hint: 'change the digest where the service is defined, or name an image with --image',
    },
  );
}

/** The HEALTHCHECK of the tasks with an image, if this manager knows it; `unknown`: it does not have the image. */
export async function checkOf(
  { engine }: Pick<Ports, 'engine'>,
  service: Pick<SwarmService, 'health'>,
  image: string,
): Promise<HealthConfig | 'none' | 'unknown'> {
  if (service.health?.Test?.length) return isNone(service.health) ? 'none' : service.health;
  const { follows, digest } = imageParts(image);
  const exact = digest === undefined ? follows : atDigest(parseReference(follows), digest).text;
  const found = await engine.image(exact);
  if (!found) return 'unknown';
  const check = found.config.Healthcheck;
  return check?.Test?.length && !isNone(check) ? { ...check, ...service.health } : 'none';
}

function isNone({ Test }: HealthConfig): boolean {
  return Test?.[0] === 'NONE';
}
