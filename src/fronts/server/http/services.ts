import type { z } from 'zod';
import type { planBody, planQuery } from '../operations/schemas.ts';
import { historyOf, listServices, planOf, type ServiceStatus, serviceOf } from '../operations/services.ts';
import { type Asking, answer } from './context.ts';

// The handlers of the routes of services.

export async function getServices(asking: Asking): Promise<Response> {
  return answer({ services: (await listServices(asking)).map(linked) });
}

export async function getService(asking: Asking): Promise<Response> {
  return answer(linked(await serviceOf(asking, nameOf(asking))));
}

export async function getPlan(asking: Asking): Promise<Response> {
  const { strategy, ...query } = asking.query as z.output<typeof planQuery>;
  const settings = strategy === undefined ? {} : { strategy };
  return answer(await planOf(asking, nameOf(asking), { ...query, settings }, asking.request.signal));
}

export async function postPlan(asking: Asking): Promise<Response> {
  const body = asking.body as z.output<typeof planBody>;
  return answer(await planOf(asking, nameOf(asking), body, asking.request.signal));
}

export async function getHistory(asking: Asking): Promise<Response> {
  return answer(await historyOf(asking, nameOf(asking)));
}

function nameOf({ params: { service = '' } }: Asking): string {
  return service;
}

function linked({ roll, ...service }: ServiceStatus): ServiceStatus {
  return roll === undefined ? service : { ...service, roll: `/v1/rolls/${roll}` };
}
