import { type Config, NO_CONFIG } from '../../core/settings/config.ts';
import type { Ports } from '../../ports/ports.ts';

// The maximum that any setting can ask to retain.
const MOST = { value: '99', where: 'swapctl.yml, which is wrong' };
// The number to retain is unknown, so nothing is removed.
const CAREFUL: Config = { ...NO_CONFIG, defaults: { keep: MOST, 'backup.keep': MOST } };

/** The same ports, without swapctl.yml if it is wrong: a mistake must not keep a half-done roll from being finished. */
export function lenient(ports: Ports): Ports {
  try {
    ports.config();
    return ports;
  } catch {
    return { ...ports, config: () => CAREFUL };
  }
}
