import { type Config, NO_CONFIG } from '../../core/settings/config.ts';
import type { Ports } from '../../ports/ports.ts';

// As much as any setting can ask to keep.
const MOST = { value: '99', where: 'swapctl.yml, which is wrong' };
// How much is to be kept is not known, so nothing of it goes.
const CAREFUL: Config = { ...NO_CONFIG, defaults: { keep: MOST, 'backup.keep': MOST } };

/** The same ports; where swapctl.yml is wrong, without it: that must not keep a half-done roll from being finished. */
export function lenient(ports: Ports): Ports {
  try {
    ports.config();
    return ports;
  } catch {
    return { ...ports, config: () => CAREFUL };
  }
}
