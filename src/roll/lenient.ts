import { type FileSettings, NO_CONFIG } from '../core/config.ts';
import { type Policy, readPolicy } from '../core/policy.ts';
import type { Ports } from '../ports.ts';

/** The same ports; where swapctl.yml is wrong, without it: that must not keep a half-done roll from being finished. */
export function lenient(ports: Ports): Ports {
  try {
    ports.config();
    return ports;
  } catch {
    return { ...ports, config: () => NO_CONFIG };
  }
}

/** The settings of a container; those of swapctl.yml alone where its labels are wrong. */
export function lenientPolicy(labels: Readonly<Record<string, string>>, file: FileSettings): Policy {
  try {
    return readPolicy(labels, {}, file);
  } catch {
    return readPolicy({}, {}, file);
  }
}
