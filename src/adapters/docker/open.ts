import type { Engine } from '../../ports/engine.ts';
import type { LoginFor } from '../../ports/ports.ts';
import { connect } from './connect/connect.ts';
import { type Choice, chooseEndpoint } from './connect/endpoint.ts';
import { thisMachine } from './connect/world.ts';
import { dockerEngine } from './engine/engine.ts';

export type { Choice } from './connect/endpoint.ts';
export { type GivenLogin, openCredentials } from './credentials/credentials.ts';
export { knownLogins } from './credentials/logins.ts';

/** Connects to the engine that the choice, the environment or the Docker context name. Raises `engine-unreachable`. */
export async function openEngine(choice: Choice, loginFor: LoginFor): Promise<Engine> {
  const endpoint = await chooseEndpoint(choice, thisMachine());
  return dockerEngine(await connect(endpoint), endpoint, loginFor);
}
