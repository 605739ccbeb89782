import type { Policy } from '../../core/settings/policy.ts';
import type { ScheduledCheck } from '../../core/update/update.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Named, Target } from '../target/target.ts';
import { optedIn, type Wanted } from './opted-in.ts';
import { dependenciesAmong } from './order.ts';

/** The opted-in services and the times of their checks. Asks only the target, for its lists. */
export async function scheduledChecksOf<S extends Named>(
  ports: Pick<Ports, 'config'>,
  target: Target<S>,
  wanted: Wanted,
): Promise<ScheduledCheck[]> {
  const look = await target.look();
  const chosen = await optedIn(ports, target, look, wanted);
  const policies = new Map(
    chosen.flatMap((one): [string, Policy][] => (one.line ? [] : [[one.service.key, one.policy]])),
  );
  const dependencies = dependenciesAmong(look, policies);
  return chosen.map((one) => {
    const { key } = one.service;
    if (one.line) return { service: key, line: one.line };
    return { service: key, schedule: one.policy.schedule, dependsOn: dependencies.known(key) };
  });
}
