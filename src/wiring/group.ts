import { programRunner } from '../adapters/build/hook-program.ts';
import { readTlsFiles } from '../adapters/docker/open.ts';
import { systemClock } from '../adapters/host/clock.ts';
import type { HostAddress } from '../core/inventory/inventory.ts';
import type { Clock } from '../ports/host.ts';
import type { Post } from '../ports/notify.ts';
import type { RunProgram } from '../ports/program.ts';
import { openHookPost, type Reach } from './ports.ts';

/** The parts of this machine that the roll of a group uses. */
export interface GroupTools {
  readonly clock: Clock;
  readonly post: Post;
  readonly run: RunProgram;
}

export function openGroupTools({ env }: Pick<Reach, 'env'>): GroupTools {
  return { clock: systemClock(), post: openHookPost(env), run: programRunner(env) };
}

/** The connection to the engine of a host in swapctl.yml. Raises `config` for a TLS file that can't be read. */
export async function reachOf(
  name: string,
  address: HostAddress,
): Promise<Pick<Reach, 'host' | 'context' | 'access' | 'origin'>> {
  const origin = `hosts, ${name} in swapctl.yml`;
  if (address.kind === 'context') return { context: address.context, origin };
  const { url: host, tls } = address;
  return { host, origin, ...(tls ? { access: { tls: await readTlsFiles(tls) } } : {}) };
}
