import type { HeldRoll } from '../core/group/held-roll.ts';
import type { RollTarget } from '../core/update/roll-target.ts';
import type { Ports } from '../ports/ports.ts';
import type { App, RollRequest } from './app.ts';
import { reported } from './report/reported.ts';
import { settingsOf } from './select/settings.ts';
import { imageParts, pinnedImage, type ServiceImage, wantedImage } from './swarm/image.ts';
import { dropFailure } from './swarm/memory.ts';
import { recoverSwarmService } from './swarm/recover.ts';
import { rollSwarmService, type SwarmRollOptions } from './swarm/roll.ts';
import { previousOf } from './swarm/rollback.ts';
import type { SwarmUnit } from './swarm/target.ts';

/** How requests become rolls of Swarm services. */
interface SwarmWays {
  named(selector: string): Promise<SwarmUnit | undefined>;
  options(request: RollRequest): SwarmRollOptions;
  calledBy(ports: Ports, request: RollRequest): Ports;
}

type Held = App['held'];

/**
 * A manager as one host of a group, with the services of its Swarm. Their locks are taken at the turn of the host and not before: a
 * group may name two managers of one Swarm, and the second finds nothing to do.
 */
export function heldWithSwarm(held: Held, ports: Ports, ways: SwarmWays): Held {
  return {
    ...held,
    recover: async (selector, request) => {
      const unit = await ways.named(selector);
      if (!unit) return held.recover(selector, request);
      await recoverSwarmService(ways.calledBy(ports, request), unit.service, request.signal);
    },
    hold: async (selector, request, wanted) => {
      const unit = await ways.named(selector);
      if (!unit) return held.hold(selector, request, wanted);
      const options = ways.options(request);
      const target = wanted.back ? await backTarget(ports, unit, request.earlier) : options.target;
      return heldUnit(ways.calledBy(ports, request), unit, { ...options, target });
    },
    previous: async (selector, image) => {
      const unit = await ways.named(selector);
      if (!unit) return held.previous(selector, image);
      const { follows, digest } = await previousOf(ports, unit.service, image);
      return { follows, digest, id: digest ?? follows };
    },
  };
}

async function backTarget(
  ports: Ports,
  { service }: SwarmUnit,
  earlier: string | undefined,
): Promise<RollTarget<ServiceImage>> {
  return { kind: 'local', image: await previousOf(ports, service, earlier) };
}

async function heldUnit(ports: Ports, { key, service }: SwarmUnit, options: SwarmRollOptions): Promise<HeldRoll> {
  const policy = settingsOf(ports, key, service.labels, options.overrides);
  const wanted = await wantedImage(ports, service, policy, options);
  const old = imageParts(service.image);
  return {
    service: key,
    isUnchanged: pinnedImage(wanted) === service.image && !options.force,
    roll: (id) => reported(key, () => rollSwarmService(ports, key, { ...options, roll: id ?? options.roll })),
    back: (rejectLeft) =>
      reported(key, async () => {
        // An interrupted command takes its finished hosts back all the same.
        const { signal } = new AbortController();
        const target = { kind: 'local', image: old } as const;
        const report = await rollSwarmService(ports, key, { ...options, target, roll: undefined, signal });
        if (!rejectLeft) await dropFailure(ports, service, wanted.digest ?? '');
        return report;
      }),
    release: async () => {},
  };
}
