import { failuresIn } from '../../core/health/failures.ts';
import type { Service } from '../../core/service/service.ts';
import type { RollFacts } from '../../core/update/may-roll.ts';
import type { Ports } from '../../ports/ports.ts';
import { recordedFailures } from '../recovery/failures.ts';
import { type ImageCache, stateOf } from '../select/own.ts';

/** The facts of a service's last rolls and failures, from containers and volumes; only a check knows when its next image appeared. */
export async function factsOf(
  look: { readonly ports: Ports; readonly images: ImageCache },
  service: Service,
): Promise<RollFacts> {
  const states = await Promise.all(
    service.slots.flatMap(({ members }) =>
      members.map(async ({ id }) => {
        const container = await look.ports.engine.container(id);
        return container && (await stateOf(look, container));
      }),
    ),
  );
  const records = await recordedFailures(look.ports.engine);
  const perSlot = service.slots.map(({ slotName }) => failuresIn(records, slotName));
  return {
    lastRollAt: latest(states.map((state) => state?.history.find(({ event }) => event !== 'started')?.at)),
    failures: Math.max(0, ...perSlot.map((failures) => failures.reduce((sum, { tries }) => sum + tries, 0))),
    lastFailureAt: latest(perSlot.flat().map(({ at }) => at)),
    imageSince: undefined,
  };
}

function latest(times: readonly (string | undefined)[]): number | undefined {
  const known = times.map((time) => Date.parse(time ?? '')).filter(Number.isFinite);
  return known.length > 0 ? Math.max(...known) : undefined;
}
