import path from 'node:path';
import type { ServerConfig } from '../../core/access/server-config.ts';
import { readTokenFile } from '../../core/access/token-file.ts';
import { fail, messageOf } from '../../core/model/error.ts';
import type { Config, FileLayer, Mistake, NotificationConfig, RegistryConfig } from '../../core/settings/config.ts';
import { NO_CONFIG } from '../../core/settings/config.ts';
import type { Secret } from '../../core/settings/secret.ts';
import { settingOf } from '../../core/settings/table.ts';
import { whyNoTemplate } from '../../core/text/template.ts';
import type { Schedules } from '../../ports/host.ts';
import { readText } from '../files/read.ts';
import type { FoundFile } from './find.ts';
import { hookOf } from './hooks.ts';
import { inventoryOf } from './inventory.ts';
import { mistakesIn } from './mistakes.ts';
import { asText, type Shape } from './schema.ts';
import { filedSecret, type Vault, writtenSecret } from './secret.ts';
import { serverOf } from './server.ts';
import { readSource, type Source } from './source.ts';

/** A parsed file: its contents, or all of its mistakes. */
export type ReadFile =
  | { readonly config: Config; readonly mistakes: readonly [] }
  | { readonly config: undefined; readonly mistakes: readonly Mistake[] };

/** Reads a swapctl.yml. Secrets are read only when they are needed. */
export async function readConfig(file: FoundFile, env: Vault['env'], schedules: Schedules): Promise<ReadFile> {
  const source = readSource(file.text);
  if (!('place' in source)) return { config: undefined, mistakes: [source] };
  const document = withoutEmptySections(source.value);
  const mistakes = await mistakesIn(document, source, schedules);
  if (mistakes.length > 0) return { config: undefined, mistakes };
  return { config: configOf(document as Shape, source, file, env), mistakes: [] };
}

/** The variables and files that a configuration refers to, but that are missing now. */
export async function gapsOf({ notifications, registries, inventory, server, hooks }: Config): Promise<string[]> {
  const secrets = notifications.flatMap(({ kind, ...values }, at) =>
    Object.entries<Secret>(values).map(([key, { read }]) => ({
      what: `notifications ${at + 1}, ${kind}, ${key}`,
      // The contents of a file are known only now.
      read: async () => {
        const text = await read();
        const wrong = key === 'template' ? whyNoTemplate(text) : undefined;
        return wrong === undefined ? text : fail('config', wrong);
      },
    })),
  );
  const cas = Object.entries(registries).flatMap(([host, { ca }]) =>
    ca === undefined ? [] : [{ what: `registries, ${host}, ca`, read: () => readText(ca) }],
  );
  const credentials = Object.entries(hooks).map(([name, { credential }]) => ({
    what: `hooks, ${name}, ${credential.form}`,
    read: credential.secret.read,
  }));
  const gaps = await Promise.all(
    [...secrets, ...cas, ...credentials, ...hostFiles(inventory), ...serverFiles(server)].map(
      async ({ what, read }) => {
        const why = await read().then(() => undefined, messageOf);
        return why === undefined ? undefined : `${what}: ${why}`;
      },
    ),
  );
  return gaps.filter((gap) => gap !== undefined);
}

function hostFiles({ hosts }: Config['inventory']): { what: string; read: () => Promise<string> }[] {
  return Object.entries(hosts).flatMap(([name, host]) =>
    Object.entries((host.kind === 'url' && host.tls) || {}).flatMap(([key, file]) =>
      file === undefined ? [] : [{ what: `hosts, ${name}, tls, ${key}`, read: () => readText(file) }],
    ),
  );
}

function serverFiles({ tls, tokens }: ServerConfig): { what: string; read: () => Promise<string> }[] {
  const files = { 'tls, cert': tls?.cert, 'tls, key': tls?.key, 'tls, ca': tls?.ca, tokens };
  return Object.entries(files).flatMap(([key, name]) => {
    if (name === undefined) return [];
    const read = async () => (name === tokens ? withoutMistakes(await readText(name)) : readText(name));
    return [{ what: `server, ${key}`, read }];
  });
}

function withoutMistakes(tokens: string): string {
  const [first] = readTokenFile(tokens).mistakes;
  return first ? fail('config', `line ${first.line}: ${first.message}`) : tokens;
}

// A section with only comments counts as absent.
function withoutEmptySections(document: unknown): unknown {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return document;
  const sections = Object.entries(document).filter(([, section]) => section !== null);
  return Object.fromEntries(
    sections.map(([name, section]) => [name, name === 'services' ? withoutNothing(section) : section]),
  );
}

function withoutNothing(services: unknown): unknown {
  if (typeof services !== 'object' || services === null || Array.isArray(services)) return services;
  return Object.fromEntries(Object.entries(services).map(([name, settings]) => [name, settings ?? {}]));
}

function configOf(shape: Shape, source: Source, file: FoundFile, env: Vault['env']): Config {
  const layer = (at: readonly string[], settings: Readonly<Record<string, unknown>> = {}): FileLayer =>
    mapValues(settings, (value, key) => {
      const text = asText(value, settingOf(key)?.form ?? { kind: 'text' }) ?? '';
      return { value: text, where: `${file.path}:${source.place([...at, key], 'key').line}` };
    });
  return {
    path: file.path,
    defaults: layer(['defaults'], shape.defaults),
    services: mapValues(shape.services, (settings, name) => layer(['services', name], settings)),
    registries: mapValues(shape.registries, (registry) => registryOf(registry, file.folder)),
    notifications: (shape.notifications ?? []).map((entry) => notificationOf(entry, { env, folder: file.folder })),
    notify: shape.notify ?? NO_CONFIG.notify,
    maxRollsAtOnce: shape['max-rolls-at-once'] ?? NO_CONFIG.maxRollsAtOnce,
    inventory: inventoryOf(shape, file.folder),
    server: serverOf(shape.server, file.folder),
    hooks: mapValues(shape.hooks, (entry) => hookOf(entry, { env, folder: file.folder })),
  };
}

function registryOf(given: NonNullable<Shape['registries']>[string], folder: string): RegistryConfig {
  const { insecure = false, ca, mirrors = [] } = given;
  return { insecure, ca: ca === undefined ? undefined : path.resolve(folder, ca), mirrors };
}

function notificationOf({ kind, ...values }: Readonly<Record<string, string>>, vault: Vault): NotificationConfig {
  const secrets = Object.entries(values).map(([key, text]): [string, Secret] => {
    const name = key.replace(/-file$/, '');
    return [name, name === key ? writtenSecret(key, text, vault) : filedSecret(text, vault)];
  });
  // The schema has checked that each kind has its values.
  return { kind, ...Object.fromEntries(secrets) } as unknown as NotificationConfig;
}

function mapValues<A, B>(
  values: Readonly<Record<string, A>> | undefined,
  to: (value: A, key: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [key, to(value, key)]));
}
