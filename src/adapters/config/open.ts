import { NO_SERVER } from '../../core/access/server-config.ts';
import { NO_INVENTORY } from '../../core/inventory/inventory.ts';
import { fail } from '../../core/model/error.ts';
import {
  type Config,
  type ConfigCheck,
  type ConfigShown,
  type FileLayer,
  NO_CONFIG,
} from '../../core/settings/config.ts';
import type { Secret } from '../../core/settings/secret.ts';
import { shownValue } from '../../core/settings/table.ts';
import type { Schedules } from '../../ports/host.ts';
import type { Configuration } from '../../ports/ports.ts';
import { type FoundFile, findFile, type Lookup, USUAL_PLACES } from './find.ts';
import type { ReadFile } from './read.ts';

// YAML and zod are loaded only if there is a file.

/**
 * Finds and reads swapctl.yml; the result returns the configuration, or raises `config` with its mistakes, so that work without
 * settings can go on. Raises `config` itself if the file can't be read at all.
 */
export async function openConfig(lookup: Lookup, schedules: Schedules): Promise<() => Config> {
  const file = await findFile(lookup);
  if (!file) return () => NO_CONFIG;
  const read = await readFound(file, lookup, schedules);
  return () => read.config ?? refuse(file, read.mistakes);
}

/** The same as `openConfig`, for daemons. */
export async function openReloadable(lookup: Lookup, schedules: Schedules): Promise<Configuration> {
  let current = await openConfig(lookup, schedules);
  return {
    config: () => current(),
    reloadConfig: async () => {
      const next = await openConfig(lookup, schedules);
      next();
      current = next;
    },
  };
}

/** All mistakes in swapctl.yml. */
export async function checkConfig(lookup: Lookup, schedules: Schedules): Promise<ConfigCheck> {
  const file = await findFile(lookup);
  if (!file) return { path: undefined, mistakes: [], notes: [`there is none: ${USUAL_PLACES.join(', ')}`] };
  const { config, mistakes } = await readFound(file, lookup, schedules);
  const { gapsOf } = await import('./read.ts');
  return { path: file.path, mistakes, notes: config ? await gapsOf(config) : [] };
}

/** The settings of swapctl.yml as swapctl reads them. Raises `config` for a mistake. */
export async function showConfig(lookup: Lookup, schedules: Schedules): Promise<ConfigShown> {
  const { path, ...config } = (await openConfig(lookup, schedules))();
  const document = await shownDocument(config);
  const { dump } = await import('js-yaml');
  return { path, document, lines: dump(document, { lineWidth: -1 }).trimEnd().split('\n') };
}

/** The JSON schema of swapctl.yml. */
export async function schemaOfConfig(): Promise<unknown> {
  return (await import('./schema.ts')).jsonSchema();
}

async function readFound(file: FoundFile, { env }: Lookup, schedules: Schedules): Promise<ReadFile> {
  return (await import('./read.ts')).readConfig(file, env, schedules);
}

function refuse(file: FoundFile, mistakes: ReadFile['mistakes']): never {
  const [first] = mistakes;
  const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : '';
  return fail('config', `${file.path}:${first?.line}:${first?.column}: ${first?.message}${more}`, {
    hint: 'swapctl config check lists every mistake with its line',
  });
}

async function shownDocument({
  defaults,
  services,
  registries,
  notifications,
  notify,
  maxRollsAtOnce,
  inventory,
  server,
  hooks,
}: Omit<Config, 'path'>): Promise<unknown> {
  return {
    defaults: texts(defaults),
    services: Object.fromEntries(Object.entries(services).map(([name, layer]) => [name, texts(layer)])),
    registries: Object.fromEntries(
      Object.entries(registries).map(([host, { ca, insecure, mirrors }]) => [
        host,
        { ...(ca === undefined ? {} : { ca }), insecure, mirrors: mirrors.map(withoutLogin) },
      ]),
    ),
    notifications: notifications.map(({ kind, ...values }) => ({
      kind,
      ...Object.fromEntries(Object.entries<Secret>(values).map(([key, { shown }]) => [key, shown])),
    })),
    notify,
    'max-rolls-at-once': maxRollsAtOnce,
    ...(inventory === NO_INVENTORY ? {} : (await import('./inventory.ts')).shownInventory(inventory)),
    ...(server === NO_SERVER ? {} : { server: (await import('./server.ts')).shownServer(server) }),
    hooks: shownHooks(hooks),
  };
}

function shownHooks(hooks: Config['hooks']): unknown {
  return Object.fromEntries(
    Object.entries(hooks).map(
      ([
        name,
        {
          kind,
          credential: { form, secret },
          registry,
        },
      ]) => [name, { kind, [form]: secret.shown, ...(registry === undefined ? {} : { registry }) }],
    ),
  );
}

function texts(layer: FileLayer): Record<string, string> {
  return Object.fromEntries(Object.entries(layer).map(([key, { value }]) => [key, shownValue(key, value)]));
}

function withoutLogin(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//…@');
}
