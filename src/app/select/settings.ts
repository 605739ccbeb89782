import { SwapError } from '../../core/model/error.ts';
import { NO_LABELS, type OwnLabels } from '../../core/model/own-labels.ts';
import { settingsFor } from '../../core/settings/config.ts';
import type { Policy } from '../../core/settings/policy.ts';
import { readPolicy, uncountedLabels } from '../../core/settings/read.ts';
import type { Ports } from '../../ports/ports.ts';

/** Settings of the command line, by label key without the prefix. */
type Overrides = Readonly<Record<string, string>>;

/** The settings of a container of a service (its key); the only access to them. Raises `config`. */
export function settingsOf(
  { config }: Pick<Ports, 'config'>,
  service: string,
  own: OwnLabels,
  overrides: Overrides = {},
): Policy {
  return readPolicy(own, overrides, settingsFor(config(), service));
}

/** The labels of a container that don't count as settings, since its image is gone, and they may be the image's. */
export function uncountedIn({ config }: Pick<Ports, 'config'>, service: string, own: OwnLabels): string[] {
  return uncountedLabels(own, settingsFor(config(), service));
}

/**
 * The same settings, only those of swapctl.yml if the labels are wrong: a mistake must not keep a half-done roll from its end.
 * The number to retain is unknown then, so nothing is removed.
 */
export function lenientSettingsOf({ config }: Pick<Ports, 'config'>, service: string, own: OwnLabels): Policy {
  const file = settingsFor(config(), service);
  try {
    return readPolicy(own, {}, file);
  } catch (raised) {
    if (!(raised instanceof SwapError)) throw raised;
    return { ...readPolicy(NO_LABELS, {}, file), keep: Infinity, backupKeep: Infinity };
  }
}
