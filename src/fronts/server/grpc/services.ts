import type { ServiceImpl } from '@connectrpc/connect';
import { PlanRequestSchema, type ServiceService } from '#proto/swapctl/v1/service_service_pb';
import { ServiceHistorySchema, ServicePlanSchema, ServiceSchema } from '#proto/swapctl/v1/status_pb';
import type { Site } from '../operations/asker.ts';
import { planBody, validated } from '../operations/schemas.ts';
import { historyOf, listServices, planOf, serviceOf } from '../operations/services.ts';
import { askerOf } from './call.ts';
import { messageFrom, plainOf, required } from './message.ts';

/** The calls that read services. */
export function serviceService(site: Site): ServiceImpl<typeof ServiceService> {
  return {
    listServices: async (_, context) => {
      const services = await listServices(askerOf(site, context));
      return { services: services.map((one) => messageFrom(ServiceSchema, one)) };
    },
    getService: async ({ service }, context) => {
      const found = await serviceOf(askerOf(site, context), required('service', service));
      return { service: messageFrom(ServiceSchema, found) };
    },
    plan: async (request, context) => {
      const selector = required('service', request.service);
      const { service: _, ...body } = plainOf(PlanRequestSchema, request);
      const wanted = validated(planBody, body, 'request', HINT);
      const plan = await planOf(askerOf(site, context), selector, wanted, context.signal);
      return { plan: messageFrom(ServicePlanSchema, plan) };
    },
    getHistory: async ({ service }, context) => {
      const history = await historyOf(askerOf(site, context), required('service', service));
      return { history: messageFrom(ServiceHistorySchema, history) };
    },
  };
}

const HINT = 'proto/swapctl/v1/service_service.proto describes it';
