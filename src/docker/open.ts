import type { Engine } from '../ports.ts';
import { connect } from './connect/connect.ts';
import { chooseEndpoint } from './connect/endpoint.ts';
import { thisMachine } from './connect/world.ts';
import type { Env } from './credentials/config-file.ts';
import { openCredentials } from './credentials/credentials.ts';
import { dockerEngine } from './engine/engine.ts';

export { knownLogins } from './credentials/logins.ts';

/** Connects to the engine that the options, the environment or the Docker context name. Raises `engine-unreachable`. */
export async function openEngine(choice: { host?: string; context?: string }, env: Env, home: string): Promise<Engine> {
  const endpoint = chooseEndpoint(choice, thisMachine());
  return dockerEngine(await connect(endpoint), endpoint, openCredentials({ env, home }));
}
