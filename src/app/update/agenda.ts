import type { Policy } from '../../core/settings/policy.ts';
import type { Appointment } from '../../core/update/update.ts';
import type { Ports } from '../../ports/ports.ts';
import { listed } from '../select/own.ts';
import { optedIn, type Wanted } from './opted-in.ts';
import { dependenciesAmong } from './order.ts';

/** What is opted in, and when it is to be checked. Nothing is asked but the engine, by its lists. */
export async function agendaOf(ports: Ports, wanted: Wanted): Promise<Appointment[]> {
  const all = await listed(ports.engine);
  const chosen = await optedIn(ports, all, wanted);
  const policies = new Map(
    chosen.flatMap((one): [string, Policy][] => (one.line ? [] : [[one.service.key, one.policy]])),
  );
  const dependencies = dependenciesAmong(all, policies);
  return chosen.map((one) => {
    const { key } = one.service;
    if (one.line) return { service: key, line: one.line };
    return { service: key, schedule: one.policy.schedule, dependsOn: dependencies.known(key) };
  });
}
