// Why a test can't run on this machine, for node's `skip`: `missingRoot() || missingProgram('ssh')`. Everything that is asked for
// here is there when `npm test` runs as root on Debian.
import { existsSync } from 'node:fs';
import { folderOf } from '../../scripts/prepare/cache.mjs';
import { onPath } from '../../scripts/prepare/machine.mjs';
import { ENTRIES } from '../../scripts/prepare/table.mjs';
import { SWAPCTL } from './cli.ts';

type Reason = string | false;

export function missingRoot(): Reason {
  return process.getuid?.() !== 0 && 'needs root';
}

export function missingProgram(...names: string[]): Reason {
  const name = names.find((one) => !onPath(one));
  return name !== undefined && `needs ${name}`;
}

export function missingBuild(): Reason {
  return !existsSync(SWAPCTL) && 'needs the built program: npm run build';
}

/** Of an entry of scripts/prepare/table.mjs. */
export function missingDownload(...names: (keyof typeof ENTRIES)[]): Reason {
  const name = names.find((one) => !existsSync(folderOf(one, ENTRIES[one])));
  return name !== undefined && `needs a download: node scripts/prepare.mjs ${name}`;
}
