import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { type Health, HealthCheckResponse_ServingStatus as Serving } from '#proto/grpc/health/v1/health_pb';
import type { Site } from '../operations/asker.ts';
import { enterStream } from '../operations/streams.ts';
import { within } from '../operations/within.ts';
import type { ServerWorld } from '../world.ts';
import { askerOf } from './call.ts';

const ENGINE_TIMEOUT_MS = 3000;
const LOOK_EVERY_MS = 5000;

/** The health service of gRPC: serving while the engine answers, as /readyz. The names are those of the other services. */
export function healthService(site: Site, services: readonly string[]): ServiceImpl<typeof Health> {
  const { world } = site;
  const isKnown = (service: string): boolean => service === '' || services.includes(service);
  return {
    check: async ({ service }) => {
      if (!isKnown(service))
        throw new ConnectError(`there is no service ${JSON.stringify(service.slice(0, 100))}`, Code.NotFound);
      return { status: await statusOf(world) };
    },
    watch: async function* ({ service }, context) {
      const leave = enterStream(askerOf(site, context));
      // Also for a reader that is gone while a write waits for it.
      context.signal.addEventListener('abort', leave);
      try {
        yield* changes(world, context, async () => (isKnown(service) ? statusOf(world) : Serving.SERVICE_UNKNOWN));
      } finally {
        leave();
      }
    },
  };
}

async function* changes(
  world: ServerWorld,
  { signal }: Pick<HandlerContext, 'signal'>,
  look: () => Promise<Serving>,
): AsyncGenerator<{ status: Serving }> {
  const ending = AbortSignal.any([signal, world.signal]);
  let last: Serving | undefined;
  while (!ending.aborted) {
    const status = await look();
    if (status !== last) yield { status };
    last = status;
    await world.clock.sleep(LOOK_EVERY_MS, ending).catch(() => {});
  }
}

async function statusOf({ use }: ServerWorld): Promise<Serving> {
  const asked = use((app) => app.names()).then(
    () => true,
    () => false,
  );
  return (await within(ENGINE_TIMEOUT_MS, asked, false)) ? Serving.SERVING : Serving.NOT_SERVING;
}
