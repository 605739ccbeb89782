import type { z } from 'zod';
import type { Principal } from '../../../core/access/principal.ts';
import { readable } from '../../../core/access/scope.ts';
import { fail } from '../../../core/model/error.ts';
import type { ReplicaStatus } from '../../../core/report/status.ts';
import { type Asking, answer } from './context.ts';
import { keyFor } from './request/caller.ts';
import type { planQuery } from './schemas.ts';

// The handlers of the routes of services; the documents are those of the command line.

interface ServiceStatus {
  readonly service: string;
  readonly replicas: ReplicaStatus[];
  /** The job that rolls it now. */
  readonly roll?: string;
}

export async function getServices(asking: Asking): Promise<Response> {
  const { world } = asking.site;
  const all = await world.use((app) => app.status([]));
  return answer({
    services: grouped(
      asking,
      readable(asking.caller.scopes, all, ({ service }) => service),
    ),
  });
}

export async function getService(asking: Asking): Promise<Response> {
  const { world } = asking.site;
  const lines = await world.use(async (app) => app.status([await keyOf(asking, app)]));
  return answer(grouped(asking, lines)[0] ?? fail('not-found', `${asking.params.service} is gone`));
}

export async function getPlan(asking: Asking): Promise<Response> {
  const { strategy, ...query } = asking.query as z.output<typeof planQuery>;
  const overrides = strategy === undefined ? {} : { strategy };
  const { signal } = asking.request;
  const plans = await asking.site.world.use(async (app) =>
    app.plan([await keyOf(asking, app)], { ...query, overrides, signal }),
  );
  return answer(plans[0] ?? fail('not-found', `${asking.params.service} is gone`));
}

export async function getHistory(asking: Asking): Promise<Response> {
  return answer(await asking.site.world.use(async (app) => app.history(await keyOf(asking, app))));
}

function keyOf({ caller, params }: Asking, app: Parameters<typeof keyFor>[0]): Promise<string> {
  return keyFor(app, caller satisfies Principal, params.service ?? '', 'read');
}

function grouped({ site }: Asking, lines: readonly ReplicaStatus[]): ServiceStatus[] {
  const services = new Map<string, ReplicaStatus[]>();
  for (const line of lines) services.set(line.service, [...(services.get(line.service) ?? []), line]);
  return [...services].map(([service, replicas]) => {
    const roll = site.world.book.rollOf(service);
    return { service, replicas, ...(roll ? { roll: `/v1/rolls/${roll.id}` } : {}) };
  });
}
