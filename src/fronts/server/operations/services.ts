import type { z } from 'zod';
import { readable } from '../../../core/access/scope.ts';
import { fail } from '../../../core/model/error.ts';
import type { ReplicaStatus, ServiceHistory, ServicePlan } from '../../../core/report/status.ts';
import { askedTarget } from '../../../core/update/roll-target.ts';
import type { Asker } from './asker.ts';
import { keyFor } from './may.ts';
import { type planBody, settingsOf } from './schemas.ts';

// The operations on services that every protocol offers; the documents are those of the command line.

export interface ServiceStatus {
  readonly service: string;
  readonly replicas: readonly ReplicaStatus[];
  /** The id of the job that rolls it now. */
  readonly roll?: string;
}

/** The services that the caller may see. */
export async function listServices(asker: Asker): Promise<readonly ServiceStatus[]> {
  const all = await asker.site.statuses();
  return grouped(
    asker,
    readable(asker.caller.scopes, all, ({ service }) => service),
  );
}

export async function serviceOf(asker: Asker, selector: string): Promise<ServiceStatus> {
  const lines = await asker.site.world.use(async (app) => app.status([await keyOf(asker, app, selector)]));
  return grouped(asker, lines)[0] ?? gone(selector);
}

export async function planOf(
  asker: Asker,
  selector: string,
  { settings, image, digest, ...request }: z.output<typeof planBody>,
  signal: AbortSignal,
): Promise<ServicePlan> {
  const overrides = settingsOf(settings);
  const target = askedTarget({ image, digest });
  const plans = await asker.site.world.use(async (app) =>
    app.plan([await keyOf(asker, app, selector)], { ...request, target, overrides, signal }),
  );
  return plans[0] ?? gone(selector);
}

export function historyOf(asker: Asker, selector: string): Promise<ServiceHistory> {
  return asker.site.world.use(async (app) => app.history(await keyOf(asker, app, selector)));
}

function keyOf({ caller }: Asker, app: Parameters<typeof keyFor>[0], selector: string): Promise<string> {
  return keyFor(app, caller, selector, 'read');
}

function gone(selector: string): never {
  return fail('not-found', `${selector} is gone`);
}

function grouped({ site }: Asker, lines: readonly ReplicaStatus[]): ServiceStatus[] {
  const services = new Map<string, ReplicaStatus[]>();
  for (const line of lines) services.set(line.service, [...(services.get(line.service) ?? []), line]);
  return [...services].map(([service, replicas]) => {
    const roll = site.world.book.rollOf(service);
    return { service, replicas, ...(roll ? { roll: roll.id } : {}) };
  });
}
