import type { ContainerSummary } from '../../core/model/container.ts';
import { NO_LABELS, type OwnLabels } from '../../core/model/own-labels.ts';
import type { ImageRef } from '../../core/model/reference.ts';
import { sentence } from '../../core/service/managed.ts';
import { groupServices, type Service, whyNotRollable, whyOwned } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { factsOf } from '../inspect/facts.ts';
import { recoverServices } from '../recovery/recover.ts';
import { canBeRolled, chosenOf } from '../select/chosen.ts';
import { imageCache, listed } from '../select/own.ts';
import { trackedReferenceOf } from '../select/tracked-reference.ts';
import { sweepRules } from '../traffic/sweep.ts';
import { checkServices } from '../update/check.ts';
import { isOneShot, runsIn } from '../update/self-update.ts';
import { tiedTo } from '../update/tied.ts';
import type { Look, Target } from './target.ts';

/** The containers of one Docker host. */
export function dockerTarget(ports: Ports): Target<Service> {
  return {
    look: async () => dockerLook(ports, await listed(ports.engine)),
    check: (services, options) => checkServices(ports, services, options),
    facts: (service) => factsOf({ ports, images: imageCache() }, service),
    imagesOf: ({ slots }) => slots.flatMap(({ members }) => members.map(({ imageId }) => imageId)),
    runsIn: (service) => runsIn(ports, service),
    isOneShot: () => isOneShot(ports),
    beforeRolls: async () => void (await sweepRules(ports)),
  };
}

/** The services of a Docker host, from its containers. */
export function dockerLook(ports: Ports, all: readonly ContainerSummary[]): Look<Service> {
  let images: ReturnType<Ports['engine']['images']> | undefined;
  return {
    services: groupServices(all),
    named: (selectors) => namedServices(all, selectors),
    labelsOf,
    whyNot,
    trackedBy: (service) => {
      images ??= ports.engine.images();
      return trackedBy(ports, service, images);
    },
    recover: (services, signal) => recoverServices(ports, services, all, signal),
    tiedTo: (service) => tiedTo(ports, service, all),
  };
}

// A user may name several containers of one service, each by itself.
function namedServices(all: readonly ContainerSummary[], selectors: readonly string[]): Service[] {
  const byKey = new Map<string, Service>();
  for (const service of chosenOf(all, selectors)) {
    const before = byKey.get(service.key)?.slots ?? [];
    const more = service.slots.filter(({ slotName }) => !before.some((slot) => slot.slotName === slotName));
    byKey.set(service.key, { ...service, slots: [...before, ...more] });
  }
  return [...byKey.values()];
}

// Replicas are alike; the first running one counts.
function labelsOf(service: Service): OwnLabels {
  const members = service.slots.flatMap(
    ({ slotName, members: mates }) => mates.find(({ name }) => name === slotName) ?? mates,
  );
  const member = members.find(({ status }) => status === 'running') ?? members[0];
  return member?.labels ?? NO_LABELS;
}

function whyNot(service: Service): string | undefined {
  const owned = whyOwned(service);
  if (owned) return sentence(owned.why);
  if (canBeRolled(service)) return undefined;
  const [member] = service.slots.flatMap((slot) => slot.members);
  return (member && whyNotRollable(member)?.message) ?? 'it has no container';
}

async function trackedBy(
  ports: Ports,
  service: Service,
  images: ReturnType<Ports['engine']['images']>,
): Promise<ImageRef[]> {
  const byId = new Map((await images).map((image) => [image.id, image]));
  const members = service.slots.flatMap(
    ({ slotName, members: mates }) => mates.find(({ name }) => name === slotName) ?? mates[0] ?? [],
  );
  const tracked = await Promise.all(
    members.map((member) => trackedReferenceOf(ports, member, byId.get(member.imageId))),
  );
  return tracked.filter((reference) => reference !== undefined);
}
