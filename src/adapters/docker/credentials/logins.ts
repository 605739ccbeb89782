import { join } from 'node:path';
import { configFile, dockerConfigDir, type Env } from './config-file.ts';

/** The registries with a login in Docker's config.json, by name; never the login itself. */
export async function knownLogins(env: Env, home: string): Promise<string[]> {
  const config = await configFile(join(dockerConfigDir(env, home), 'config.json'))();
  const named = [...Object.keys(config.auths ?? {}), ...Object.keys(config.credHelpers ?? {})];
  const store = config.credsStore ? [`whatever docker-credential-${config.credsStore} holds`] : [];
  return [...new Set(named), ...store];
}
