import { fail } from '../../core/model/error.ts';
import type { Engine } from '../../ports/engine.ts';
import type { LoginFor } from '../../ports/ports.ts';
import type { Swarm } from '../../ports/swarm.ts';
import { connect } from './connect/connect.ts';
import { type Choice, chooseEndpoint } from './connect/endpoint.ts';
import { type Tls, thisMachine } from './connect/world.ts';
import { textOf } from './credentials/config-file.ts';
import { dockerEngine } from './engine/engine.ts';
import { dockerSwarm } from './swarm/swarm.ts';

export type { Choice } from './connect/endpoint.ts';
export { type GivenLogin, openCredentials } from './credentials/credentials.ts';
export { knownLogins } from './credentials/logins.ts';

/**
 * Connects to the engine of the choice, the environment or the Docker context, and to the Swarm that it may manage. Raises
 * `engine-unreachable`.
 */
export async function openEngine(
  choice: Choice,
  loginFor: LoginFor,
): Promise<{ readonly engine: Engine; readonly swarm: Swarm }> {
  const endpoint = await chooseEndpoint(choice, thisMachine());
  const connection = await connect(endpoint);
  return {
    engine: dockerEngine(connection, endpoint, loginFor),
    swarm: dockerSwarm(connection, endpoint, loginFor),
  };
}

/** The TLS material in these files. Raises `config` for one that can't be read. */
export async function readTlsFiles(files: {
  readonly ca: string;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}): Promise<Tls> {
  const read = async (file: string | undefined): Promise<string | undefined> =>
    file === undefined ? undefined : ((await textOf(file)) ?? fail('config', `there is no TLS file ${file}`));
  const [ca, cert, key] = await Promise.all([files.ca, files.cert, files.key].map(read));
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), verify: true };
}
