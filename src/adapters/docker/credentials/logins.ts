import { join } from 'node:path';
import { configFile, dockerConfigDir, type Env } from './config-file.ts';

/** The registries that Docker's config.json has a login for, by name; never what the login is. */
export async function knownLogins(env: Env, home: string): Promise<string[]> {
  const config = await configFile(join(dockerConfigDir(env, home), 'config.json'))();
  const named = [...Object.keys(config.auths ?? {}), ...Object.keys(config.credHelpers ?? {})];
  const store = config.credsStore ? [`whatever docker-credential-${config.credsStore} holds`] : [];
  return [...new Set(named), ...store];
}
