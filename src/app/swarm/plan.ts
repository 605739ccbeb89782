import { SwapError } from '../../core/model/error.ts';
import type { ServicePlan, SlotPlan } from '../../core/report/status.ts';
import type { Policy } from '../../core/settings/policy.ts';
import { howSwarm, notesOn, whyNot } from '../../core/swarm/capability.ts';
import { standstillMs } from '../../core/swarm/deadline.ts';
import type { SwarmService } from '../../core/swarm/model.ts';
import { formatDuration } from '../../core/text/duration.ts';
import type { Ports } from '../../ports/ports.ts';
import { reportedError } from '../report/reported.ts';
import { settingsOf } from '../select/settings.ts';
import { checkOf, imageParts, pinnedImage, type ServiceImage, wantedImage } from './image.ts';
import { memoryFor } from './memory.ts';
import { refuseRejected, type SwarmRollOptions } from './roll.ts';

/** Plans the roll of a service; changes nothing. */
export async function planSwarm(ports: Ports, service: SwarmService, options: SwarmRollOptions): Promise<ServicePlan> {
  const policy = settingsOf(ports, service.name, service.labels, options.overrides);
  const wanted = await wantedImage(ports, service, policy, options);
  const slot = await slotPlan(ports, service, policy, wanted, options);
  return { service: service.name, image: wanted.follows, digest: wanted.digest, slots: [slot] };
}

async function slotPlan(
  ports: Ports,
  service: SwarmService,
  policy: Policy,
  wanted: ServiceImage,
  { force }: SwarmRollOptions,
): Promise<SlotPlan> {
  const line = {
    slot: service.name,
    strategy: service.updateConfig.order,
    rehearsal: false,
    because: howSwarm(service),
  };
  const nothing = { ...line, steps: [] };
  const why = whyNot(service, policy, force);
  if (why) return { ...nothing, verdict: 'refused', error: why };
  const to = pinnedImage(wanted);
  if (to === service.image && !force) return { ...nothing, verdict: 'unchanged' };
  try {
    if (!force) refuseRejected(service, wanted.digest, (await memoryFor(ports, service.id)).failures);
  } catch (raised) {
    if (raised instanceof SwapError) return { ...nothing, verdict: 'refused', error: reportedError(raised) };
    throw raised;
  }
  const check = await checkOf(ports, service, to);
  const nodes = await ports.swarm.nodes();
  const notes = notesOn(service, policy, nodes, check === 'unknown' ? undefined : check !== 'none');
  return { ...line, verdict: 'roll', steps: stepsTo(service, policy, to, check), notes };
}

function stepsTo(
  service: SwarmService,
  policy: Policy,
  to: string,
  check: Awaited<ReturnType<typeof checkOf>>,
): string[] {
  const known = check === 'unknown' || check === 'none' ? undefined : check;
  const limit = formatDuration(standstillMs({ service, tasks: [] }, policy, known));
  const { name } = service;
  return [
    `write the lock of ${name} and the way back to ${imageParts(service.image).follows} into a config object`,
    `send Swarm the update to ${to}; all else in the spec stays as it is`,
    `judge the new tasks by their states; put the old image back if one fails, or if nothing happens for ${limit}`,
    `watch all tasks for ${formatDuration(policy.settleMs)} once each runs the new image`,
    'write the roll into the history, and remove the lock',
  ];
}
