import { settingsFor } from '../core/config.ts';
import { type ContainerSummary, ownLabels } from '../core/container.ts';
import { fail, SwapError } from '../core/error.ts';
import { dependenciesOf } from '../core/order.ts';
import { explainPolicy, readPolicy } from '../core/policy.ts';
import { mayRoll, nextCheck, type RollFacts } from '../core/schedule.ts';
import { groupServices, type Service } from '../core/service.ts';
import type { ServiceExplained } from '../core/status.ts';
import type { Ports } from '../ports.ts';
import { failuresIn, imageOf, stateOf } from './observe.ts';
import { freshMemory, type Memory } from './slot-run.ts';

/**
 * Where each setting of a service comes from, and what follows for rolls by itself; its first replica stands for all.
 * Raises `config` for wrong settings.
 */
export async function explainService(
  ports: Ports,
  service: Service,
  all: readonly ContainerSummary[],
  { overrides = {} }: { readonly overrides?: Readonly<Record<string, string>> },
): Promise<ServiceExplained> {
  const [member] = service.slots[0]?.members ?? [];
  const container = member && (await ports.engine.container(member.id));
  if (!container) return fail('not-found', `${service.key} has no replica`);
  const look = { ports, memory: freshMemory() };
  const labels = ownLabels(container, await imageOf(look, container.imageId));
  const file = settingsFor(ports.config(), service.key);
  const policy = readPolicy(labels, overrides, file);
  const now = ports.clock.now() + (await ports.engine.facts()).clockOffsetMs;
  const keys = groupServices(all).map(({ key }) => key);
  const may = mayRoll(policy, await factsOf(look, service, all), now);
  const next = await nextCheck(policy.schedule, now, ports.schedules.next, 0).catch(refuseSchedule(service.key));
  return {
    settings: explainPolicy(labels, overrides, file),
    dependsOn: dependenciesOf(service.key, policy.dependsOn, container.config.Labels ?? {}, keys),
    mayRoll: may.now ? may : { ...may, until: isoOf(may.until) },
    nextCheck: isoOf(next),
  };
}

// How old the next image is, only a check can tell.
async function factsOf(
  look: { ports: Ports; memory: Memory },
  service: Service,
  all: readonly ContainerSummary[],
): Promise<RollFacts> {
  const states = await Promise.all(
    service.slots.flatMap(({ members }) =>
      members.map(async ({ id }) => {
        const container = await look.ports.engine.container(id);
        return container && (await stateOf(look, container));
      }),
    ),
  );
  const perSlot = service.slots.map(({ home }) => failuresIn(all, home));
  return {
    lastRollAt: latest(states.map((state) => state?.history.find(({ event }) => event !== 'started')?.at)),
    failures: Math.max(0, ...perSlot.map((failures) => failures.length)),
    lastFailureAt: latest(perSlot.flat().map(({ at }) => at)),
    imageSince: undefined,
  };
}

// The place where it stands is unknown to cron.
function refuseSchedule(key: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof SwapError)) throw error;
    return fail(error.code, `schedule of ${key}: ${error.message}`, error.hint ? { hint: error.hint } : {});
  };
}

function latest(times: readonly (string | undefined)[]): number | undefined {
  const known = times.map((time) => Date.parse(time ?? '')).filter(Number.isFinite);
  return known.length > 0 ? Math.max(...known) : undefined;
}

function isoOf(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}
