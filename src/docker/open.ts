import type { Engine, LoginFor } from '../ports.ts';
import { connect } from './connect/connect.ts';
import { chooseEndpoint } from './connect/endpoint.ts';
import { thisMachine } from './connect/world.ts';
import { dockerEngine } from './engine/engine.ts';

export { openCredentials } from './credentials/credentials.ts';
export { knownLogins } from './credentials/logins.ts';

/** Connects to the engine that the options, the environment or the Docker context name. Raises `engine-unreachable`. */
export async function openEngine(choice: { host?: string; context?: string }, loginFor: LoginFor): Promise<Engine> {
  const endpoint = chooseEndpoint(choice, thisMachine());
  return dockerEngine(await connect(endpoint), endpoint, loginFor);
}
