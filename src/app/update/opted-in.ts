import { SwapError } from '../../core/model/error.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import { type FileLayer, type FileSettings, settingsFor } from '../../core/settings/config.ts';
import type { Policy } from '../../core/settings/policy.ts';
import { enablePolicy } from '../../core/settings/read.ts';
import type { ServiceUpdate } from '../../core/update/update.ts';
import type { Ports } from '../../ports/ports.ts';
import { reportedError } from '../report/reported.ts';
import { settingsOf } from '../select/settings.ts';
import type { Look, Named, Target } from '../target/target.ts';

/** The selection of services for a run. */
export interface Wanted {
  /** Named services count as opted in; empty: all opted-in ones. */
  readonly selectors: readonly string[];
  /** True: every service that is not opted out. */
  readonly all: boolean;
  /** True: ignore named services that do not exist; they may appear later. */
  readonly absent: boolean;
  readonly overrides: Readonly<Record<string, string>>;
}

/** A service for unattended checks, or why it is left out. */
export type OptedIn<S extends Named> =
  | { readonly service: S; readonly policy: Policy; readonly line?: undefined }
  | { readonly service: S; readonly line: ServiceUpdate };

/** The services to check. Raises `not-found` and `ambiguous`, and `config` for a mistake in swapctl.yml. */
export async function optedIn<S extends Named>(
  ports: Pick<Ports, 'config'>,
  target: Pick<Target<S>, 'runsIn' | 'isOneShot'>,
  look: Pick<Look<S>, 'services' | 'named' | 'labelsOf' | 'whyNot'>,
  wanted: Wanted,
): Promise<OptedIn<S>[]> {
  const config = ports.config();
  const named = wanted.selectors.length > 0;
  const services = named ? namedServices(look, wanted) : look.services;
  const passing = services.some((service) => target.runsIn(service)) && (await target.isOneShot());
  return services.flatMap((service): OptedIn<S>[] => {
    const labels = look.labelsOf(service);
    try {
      if (!named && !isMeant(labels, settingsFor(config, service.key), wanted.all)) return [];
      if (passing && target.runsIn(service)) return [{ service, line: skippedLine(service, OWN_RUN) }];
      const why = look.whyNot(service);
      if (why !== undefined) return [{ service, line: skippedLine(service, why) }];
      return [{ service, policy: settingsOf(ports, service.key, labels, wanted.overrides) }];
    } catch (raised) {
      const { key } = service;
      const error = reportedError(raised);
      return [{ service, line: { service: key, outcome: 'unknown', because: error.message, error } }];
    }
  });
}

const OWN_RUN = 'swapctl itself runs in it, and it ends with this run';

function skippedLine({ key }: Named, because: string): ServiceUpdate {
  return { service: key, outcome: 'skipped', because };
}

function namedServices<S extends Named>(look: Pick<Look<S>, 'named'>, { selectors, absent }: Wanted): S[] {
  return look.named(absent ? selectors.filter((selector) => isThere(look, selector)) : selectors);
}

function isThere<S extends Named>({ named }: Pick<Look<S>, 'named'>, selector: string): boolean {
  try {
    return named([selector]).length > 0;
  } catch (raised) {
    if (raised instanceof SwapError && raised.code === 'not-found') return false;
    throw raised;
  }
}

// Mistakes in other settings do not decide if a service is opted in.
function isMeant(own: OwnLabels, file: FileSettings, all: boolean): boolean {
  const { enable } = enablePolicy(own, { defaults: onlyEnable(file.defaults), service: onlyEnable(file.service) });
  return all ? enable !== false : enable === true;
}

function onlyEnable({ enable }: FileLayer): FileLayer {
  return enable === undefined ? {} : { enable };
}
