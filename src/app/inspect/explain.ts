import type { ContainerSummary } from '../../core/model/container.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import type { ServiceExplained } from '../../core/report/status.ts';
import { groupServices, type Service } from '../../core/service/service.ts';
import { settingsFor } from '../../core/settings/config.ts';
import { explainPolicy } from '../../core/settings/read.ts';
import { mayRoll, type RollFacts } from '../../core/update/may-roll.ts';
import { dependenciesOf } from '../../core/update/order.ts';
import { nextCheck } from '../../core/update/schedule.ts';
import type { Ports } from '../../ports/ports.ts';
import { engineNow } from '../select/engine-time.ts';
import { imageCache, ownOf } from '../select/own.ts';
import { settingsOf } from '../select/settings.ts';
import { factsOf } from './facts.ts';

/**
 * The source of each setting of a service, and its effect on unattended rolls; its first replica stands for all. Raises `config`
 * for wrong settings.
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
  const look = { ports, images: imageCache() };
  const labels = await ownOf(look, container);
  const keys = groupServices(all).map(({ key }) => key);
  return explained(ports, { key: service.key, labels, keys, facts: await factsOf(look, service) }, overrides);
}

/** A service with the facts for its settings and its windows; `keys` of all services that it may depend on. */
interface Explainable {
  readonly key: string;
  readonly labels: OwnLabels;
  readonly keys: readonly string[];
  readonly facts: RollFacts;
}

/** The same for a service of any target. */
export async function explained(
  ports: Ports,
  { key, labels, keys, facts }: Explainable,
  overrides: Readonly<Record<string, string>>,
): Promise<ServiceExplained> {
  const file = settingsFor(ports.config(), key);
  const policy = settingsOf(ports, key, labels, overrides);
  const now = await engineNow(ports);
  const may = mayRoll(policy, facts, now);
  const next = await nextCheck(policy.schedule, now, ports.schedules.next, 0).catch(refuseSchedule(key));
  return {
    settings: explainPolicy(labels, overrides, file),
    dependsOn: dependenciesOf(key, policy.dependsOn, labels, keys),
    mayRoll: may.now ? may : { ...may, until: isoOf(may.until) },
    nextCheck: isoOf(next),
  };
}

// The schedule reader does not know the place of the setting.
function refuseSchedule(key: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof SwapError)) throw error;
    return fail(error.code, `schedule of ${key}: ${error.message}`, error.hint ? { hint: error.hint } : {});
  };
}

function isoOf(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}
