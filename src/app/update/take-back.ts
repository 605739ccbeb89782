import type { RollCall } from '../../core/report/call.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { previousImage } from '../inspect/history.ts';
import { rollService } from '../rollout/roll-service.ts';
import type { RollOptions } from '../rollout/roll-slot.ts';
import { sameService } from '../select/chosen.ts';
import { listed } from '../select/own.ts';

/**
 * Rolls a service back to the image (id) that it ran before, since another service of its tag refused the new one. The image is
 * not rejected for this service, and its volumes stay as they are: it has served clients meanwhile.
 */
export async function takeBack(
  ports: Ports,
  before: Service,
  image: string,
  { roll, overrides, alongside }: Pick<RollCall, 'roll'> & Pick<RollOptions, 'overrides' | 'alongside'>,
): Promise<ServiceReport> {
  const all = await listed(ports.engine);
  const service = sameService(all, before);
  const previous = await previousImage(ports, service, image);
  return rollService(ports, service, all, {
    target: { kind: 'local', image: previous },
    pull: 'auto',
    force: true,
    overrides,
    event: 'rolled-back',
    rejectLeft: false,
    alongside,
    roll,
    // As with replicas, nothing interrupts the rollback.
    signal: new AbortController().signal,
  });
}
