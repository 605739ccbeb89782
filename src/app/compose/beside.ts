import type { ContainerSummary } from '../../core/model/container.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { COMPOSE_SERVICE } from '../../core/model/label-keys.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import { notDone, notKnown, type OneShot } from '../../core/service/compose-beside.ts';
import { composeKey } from '../../core/service/compose-depends.ts';
import { completedFirst, isSameTag } from '../../core/service/one-shot.ts';
import type { Ports } from '../../ports/ports.ts';
import type { PreparedSlot } from '../rollout/prepared-slot.ts';
import { listed, ownOf } from '../select/own.ts';
import { hasReplaced } from './restart-dependents.ts';

export interface Beside {
  /** Actions of compose for the service, beside creating its containers, that swapctl does not do. */
  readonly notDone: readonly string[];
  /** The same, with those that swapctl cannot know; for a plan. */
  readonly forPlan: readonly string[];
}

const NOTHING: Beside = { notDone: [], forPlan: [] };

/** The work that a roll of a compose service leaves to its user. `back`: a rollback. */
export async function besideOf(
  ports: Ports,
  slot: PreparedSlot | undefined,
  all: readonly ContainerSummary[],
  back: boolean,
): Promise<Beside> {
  if (!slot) return NOTHING;
  const own = await ownOf({ ports, images: slot.images }, slot.container);
  const service = own[COMPOSE_SERVICE];
  if (!service || composeKey(own) === undefined) return NOTHING;
  const { notRun, unknown } = slot.composeHooks;
  const oneShots = await oneShotsOf(ports, own, all);
  // A one-shot of the same tag runs before the roll; a rollback undoes no migration.
  const left = oneShots.filter(({ image }) => back || !isSameTag(image, slot.follows.text));
  const list = notDone(service, notRun, left, slot.follows);
  return { notDone: list, forPlan: [...list, ...(unknown ? [notKnown(service)] : [])] };
}

/** Adds to the report of a roll the work that it left to its user. */
export async function withNotDone(ports: Ports, report: ServiceReport, slot: PreparedSlot): Promise<ServiceReport> {
  if (!hasReplaced(report)) return report;
  try {
    const { notDone } = await besideOf(ports, slot, await listed(ports.engine), report.outcome === 'rolled-back');
    return notDone.length > 0 ? { ...report, notDone } : report;
  } catch (raised) {
    // The roll is done, even if compose's actions are unknown.
    if (raised instanceof EngineError) return report;
    throw raised;
  }
}

async function oneShotsOf(ports: Ports, own: OwnLabels, all: readonly ContainerSummary[]): Promise<OneShot[]> {
  return Promise.all(
    completedFirst(own).map(async ({ service, key }) => {
      const found = all.find(({ labels }) => composeKey(labels) === key);
      const container = found && (await ports.engine.container(found.id));
      return { service, image: container?.config.Image };
    }),
  );
}
