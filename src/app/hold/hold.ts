import type { HeldRoll, HoldWanted } from '../../core/group/held-roll.ts';
import type { ContainerSummary } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import type { PinnedImage } from '../../core/model/image.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import type { HeldLock } from '../lock/held-lock.ts';
import { recoverService } from '../recovery/recover.ts';
import { reported } from '../report/reported.ts';
import { lockFor, lookBeforeLock } from '../rollout/before-lock.ts';
import { rollService } from '../rollout/roll-service.ts';
import type { RollOptions } from '../rollout/roll-slot.ts';
import { listed } from '../select/own.ts';
import { sweepRules } from '../traffic/sweep.ts';
import { runsIn } from '../update/self-update.ts';

/** The roll for which a service is locked. */
export interface HoldOptions extends Pick<HoldWanted, 'group'> {
  readonly find: (all: readonly ContainerSummary[]) => Service;
  /** The options for the roll of the service. */
  readonly options: (service: Service) => Promise<RollOptions>;
}

/** Finishes or undoes the interrupted roll of a service, if there is one. */
export async function recoverFirst(ports: Ports, find: HoldOptions['find'], signal: AbortSignal): Promise<void> {
  ports.config();
  const all = await listed(ports.engine);
  const service = find(all);
  await sweepRules(ports);
  await recoverService(ports, service, all, signal);
}

/** Locks a service for a later roll. */
export async function holdService(ports: Ports, { find, options, group }: HoldOptions): Promise<HeldRoll> {
  const all = await listed(ports.engine);
  const service = find(all);
  const wanted = await options(service);
  const locked = await lockService(ports, service, all, wanted, group);
  const again = (more: Partial<RollOptions>): Promise<ServiceReport> =>
    reported(service.key, async () => {
      const now = await listed(ports.engine);
      return rollService(ports, find(now), now, { ...wanted, ...more, heldLock: locked?.heldLock });
    });
  return {
    service: service.key,
    isUnchanged: locked === undefined,
    roll: (roll) => again({ roll }),
    back: (rejectLeft) => again(backTo(locked, rejectLeft)),
    release: async () => locked?.heldLock.release(),
  };
}

/** A service locked for a later roll, and its image until then. */
interface Locked {
  readonly heldLock: HeldLock;
  readonly before: PinnedImage;
}

// Undefined, and no lock: it runs the image already.
async function lockService(
  ports: Ports,
  service: Service,
  all: readonly ContainerSummary[],
  options: RollOptions,
  group: string,
): Promise<Locked | undefined> {
  const looked = await lookBeforeLock(ports, service, all, options);
  if (looked.isUnchanged) return undefined;
  const { slots, resolved } = looked;
  if (runsIn(ports, service))
    fail('refused', `swapctl itself runs in ${service.key}`, { hint: 'roll it without --on, on its own host' });
  const [first] = slots;
  const { imageId, config } = first?.container ?? fail('not-found', `${service.key} has no replica`);
  const digest = resolved.kind === 'local' ? resolved.image.id : resolved.digest;
  const heldLock = await lockFor(ports, service, looked, { group, follows: resolved.follows.text, digest });
  return { heldLock, before: { follows: config.Image ?? resolved.follows.text, id: imageId, digest: undefined } };
}

// As with replicas, nothing interrupts the rollback.
function backTo(locked: Locked | undefined, rejectLeft: boolean): Partial<RollOptions> {
  return {
    ...(locked ? { target: { kind: 'local', image: locked.before } } : {}),
    volumesOf: undefined,
    roll: undefined,
    event: 'rolled-back',
    force: true,
    rejectLeft,
    signal: new AbortController().signal,
  };
}
