import type { ContainerSummary } from '../../core/model/container.ts';
import { SwapError } from '../../core/model/error.ts';
import { NO_LABELS, type OwnLabels } from '../../core/model/own-labels.ts';
import { sentence } from '../../core/service/managed.ts';
import { findService, groupServices, type Service, whyNotRollable, whyOwned } from '../../core/service/service.ts';
import { type FileLayer, type FileSettings, settingsFor } from '../../core/settings/config.ts';
import type { Policy } from '../../core/settings/policy.ts';
import { enablePolicy } from '../../core/settings/read.ts';
import type { ServiceUpdate } from '../../core/update/update.ts';
import type { Ports } from '../../ports/ports.ts';
import { reportedError } from '../report/reported.ts';
import { canBeRolled, chosenOf } from '../select/chosen.ts';
import { settingsOf } from '../select/settings.ts';
import { isOneShot, runsIn } from './self-update.ts';

/** Which services a run is about. */
export interface Wanted {
  /** Those that users name count as opted in; none: all that are. */
  readonly selectors: readonly string[];
  /** Everything but what is opted out. */
  readonly all: boolean;
  /** What is named and not there is passed over: it may come yet. */
  readonly absent: boolean;
  readonly overrides: Readonly<Record<string, string>>;
}

/** A service that is to be looked at by itself, or why it is not. */
export type OptedIn =
  | { readonly service: Service; readonly policy: Policy; readonly line?: undefined }
  | { readonly service: Service; readonly line: ServiceUpdate };

/** The services that are to be looked at. Raises `not-found` and `ambiguous`, and `config` for what is wrong in swapctl.yml. */
export async function optedIn(ports: Ports, all: readonly ContainerSummary[], wanted: Wanted): Promise<OptedIn[]> {
  const config = ports.config();
  const named = wanted.selectors.length > 0;
  const services = named ? namedServices(all, wanted) : groupServices(all);
  const passing = services.some((service) => runsIn(ports, service)) && (await isOneShot(ports));
  return services.flatMap((service) => {
    const labels = labelsOf(service);
    try {
      if (!named && !isMeant(labels, settingsFor(config, service.key), wanted.all)) return [];
      if (passing && runsIn(ports, service)) return [{ service, line: skippedLine(service, OWN_RUN) }];
      return [lookAt(ports, service, labels, wanted)];
    } catch (raised) {
      const { key } = service;
      const error = reportedError(raised);
      return [{ service, line: { service: key, outcome: 'unknown', because: error.message, error } }];
    }
  });
}

const OWN_RUN = 'swapctl itself runs in it, and it ends with this run';

function lookAt(ports: Ports, service: Service, labels: OwnLabels, { overrides }: Wanted): OptedIn {
  const owned = whyOwned(service);
  const why = owned ? sentence(owned.why) : whySkipped(service);
  if (why !== undefined) return { service, line: skippedLine(service, why) };
  return { service, policy: settingsOf(ports, service.key, labels, overrides) };
}

function skippedLine({ key }: Service, because: string): ServiceUpdate {
  return { service: key, outcome: 'skipped', because };
}

function namedServices(all: readonly ContainerSummary[], { selectors, absent }: Wanted): Service[] {
  const services = groupServices(all);
  const there = absent ? selectors.filter((selector) => isThere(services, selector)) : selectors;
  const byKey = new Map<string, Service>();
  for (const service of chosenOf(all, there)) {
    const before = byKey.get(service.key)?.slots ?? [];
    const more = service.slots.filter(({ home }) => !before.some((slot) => slot.home === home));
    byKey.set(service.key, { ...service, slots: [...before, ...more] });
  }
  return [...byKey.values()];
}

function isThere(services: readonly Service[], selector: string): boolean {
  try {
    return findService(services, selector) !== undefined;
  } catch (raised) {
    if (raised instanceof SwapError && raised.code === 'not-found') return false;
    throw raised;
  }
}

// The other settings may be wrong: whether anybody meant it is another question.
function isMeant(own: OwnLabels, file: FileSettings, all: boolean): boolean {
  const { enable } = enablePolicy(own, { defaults: onlyEnable(file.defaults), service: onlyEnable(file.service) });
  return all ? enable !== false : enable === true;
}

function onlyEnable({ enable }: FileLayer): FileLayer {
  return enable === undefined ? {} : { enable };
}

// Replicas are alike; of several the first that runs tells.
function labelsOf(service: Service): OwnLabels {
  const members = service.slots.flatMap(({ home, members: mates }) => mates.find(({ name }) => name === home) ?? mates);
  const member = members.find(({ status }) => status === 'running') ?? members[0];
  return member?.labels ?? NO_LABELS;
}

function whySkipped(service: Service): string | undefined {
  if (canBeRolled(service)) return undefined;
  const [member] = service.slots.flatMap((slot) => slot.members);
  return (member && whyNotRollable(member)?.message) ?? 'it has no container';
}
