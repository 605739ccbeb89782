import { knownLogins, openCredentials, openEngine } from './docker/open.ts';
import type { Ports, Report } from './ports.ts';
import { openRegistry } from './registry/open.ts';
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
  // One reader of logins for the engine and for us: whoever asks a registry does so as the same user.
  const loginFor = openCredentials({ env, home });
  const engine = await openEngine({ ...(host ? { host } : {}), ...(context ? { context } : {}) }, loginFor);
  const kernel = nftKernel(async () => (await engine.facts()).local);
  const system = openSystem(engine, async () => knownLogins(env, home));
  const rules = async () => (await engine.facts()).registries;
  const registry = openRegistry({ loginFor, env, clock: system.clock, rules });
  return { engine, registry, kernel, report, ...system };
}
