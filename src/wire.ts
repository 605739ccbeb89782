import { installedCompose } from './build/compose.ts';
import { knownLogins, openEngine } from './docker/open.ts';
import type { Ports, Report } from './ports.ts';
import { openSystem } from './system/open.ts';
import { nftKernel } from './traffic/nft-kernel.ts';

/** Where the engine is looked for, and where progress goes. */
export interface Reach {
  readonly host?: string | undefined;
  readonly context?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home folder, for Docker's contexts and logins. */
  readonly home: string;
  readonly report: Report;
}

/** Puts the adapters behind the ports: this machine, and the engine that the options name. Raises `engine-unreachable`. */
export async function openPorts({ host, context, env, home, report }: Reach): Promise<Ports> {
  const engine = await openEngine({ ...(host ? { host } : {}), ...(context ? { context } : {}) }, env, home);
  const kernel = nftKernel(async () => (await engine.facts()).local);
  const compose = installedCompose(env);
  return { engine, kernel, compose, report, ...openSystem(engine, async () => knownLogins(env, home)) };
}
