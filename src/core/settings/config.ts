import { NO_SERVER, type ServerConfig } from '../access/server-config.ts';
import { type Inventory, NO_INVENTORY } from '../inventory/inventory.ts';
import type { Delivery, NotifyWhen } from '../report/summary.ts';
import type { HookConfig } from '../webhooks/kinds.ts';
import type { Secret } from './secret.ts';

/** A setting in swapctl.yml: the value as a label would have it, and its place (`swapctl.yml:12`). */
export interface FileSetting {
  readonly value: string;
  readonly where: string;
}

/** Settings by key. */
export type FileLayer = Readonly<Record<string, FileSetting>>;

/** The settings of swapctl.yml for one service. */
export interface FileSettings {
  readonly defaults: FileLayer;
  readonly service: FileLayer;
}

/** How to reach a registry. */
export interface RegistryConfig {
  /** Use HTTP, or TLS without verification of the server. */
  readonly insecure: boolean;
  /** Path of a PEM file with the certificates to trust. */
  readonly ca: string | undefined;
  /** URLs to ask first, in this order. */
  readonly mirrors: readonly string[];
}

/** The kinds of notifiers, and the settings that each needs. */
export const NOTIFIERS = {
  webhook: { needs: ['url'], takes: ['template', 'token'] },
  slack: { needs: ['url'], takes: [] },
  discord: { needs: ['url'], takes: [] },
  ntfy: { needs: ['url'], takes: ['token'] },
  gotify: { needs: ['url', 'token'], takes: [] },
  telegram: { needs: ['token', 'chat'], takes: ['url'] },
  email: { needs: ['url', 'from', 'to'], takes: [] },
} as const satisfies Record<string, { needs: readonly string[]; takes: readonly string[] }>;

type Notifiers = typeof NOTIFIERS;

/** The settings of one notifier, by key. */
export type NotificationConfig = {
  readonly [K in keyof Notifiers]: { readonly kind: K } & {
    readonly [N in Notifiers[K]['needs'][number]]: Secret;
  } & { readonly [T in Notifiers[K]['takes'][number]]?: Secret };
}[keyof Notifiers];

/** The contents of swapctl.yml. */
export interface Config {
  /** Undefined: there is no file. */
  readonly path: string | undefined;
  readonly defaults: FileLayer;
  /** By `project/service`, compose service, or container. */
  readonly services: Readonly<Record<string, FileLayer>>;
  /** By host, with its port if there is one. */
  readonly registries: Readonly<Record<string, RegistryConfig>>;
  readonly notifications: readonly NotificationConfig[];
  /** The runs that cause a notification. */
  readonly notify: NotifyWhen;
  /** The number of services to roll at the same time. */
  readonly maxRollsAtOnce: number;
  /** Hosts and groups of hosts for `--on`. */
  readonly inventory: Inventory;
  readonly server: ServerConfig;
  /** Webhooks that a server accepts, by name. */
  readonly hooks: Readonly<Record<string, HookConfig>>;
}

/** A mistake in swapctl.yml. Lines and columns count from 1. */
export interface Mistake {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** The configuration without a file. */
export const NO_CONFIG: Config = {
  path: undefined,
  defaults: {},
  services: {},
  registries: {},
  notifications: [],
  notify: 'changes',
  maxRollsAtOnce: 1,
  inventory: NO_INVENTORY,
  server: NO_SERVER,
  hooks: {},
};

/** The settings of a service in the file, by its key: its entry under the full name, else under the short one. */
export function settingsFor(config: Config, key: string): FileSettings {
  const { services, defaults } = config;
  const entry = entryNames(key).find((name) => Object.hasOwn(services, name));
  return { defaults, service: (entry !== undefined && services[entry]) || {} };
}

/** The names that a service may have in the file, by its key. */
export function entryNames(key: string): string[] {
  return [key, key.slice(key.lastIndexOf('/') + 1)];
}

/** The result of `swapctl config check`. */
export interface ConfigCheck {
  readonly path: string | undefined;
  readonly mistakes: readonly Mistake[];
  /** Entries that are valid but do not work here and now: an unset variable, an unreadable file. */
  readonly notes: readonly string[];
}

/** The configuration as `swapctl config show` prints it, without secrets. */
export interface ConfigShown {
  readonly path: string | undefined;
  readonly document: unknown;
  /** The document as YAML. */
  readonly lines: readonly string[];
}

/** The use cases of `swapctl config`; they need no engine. */
export interface ConfigDesk {
  check(): Promise<ConfigCheck>;
  /** Raises `config` for a mistake. */
  show(): Promise<ConfigShown>;
  /** The JSON schema of the file. */
  schema(): Promise<unknown>;
  /** The webhooks of the file, by name. Raises `config` for a mistake. */
  hooks(): Promise<Config['hooks']>;
  /** The `server` section. Raises `config` for a mistake. */
  server(): Promise<ServerConfig>;
  /** Sends a test message to every notifier of the file. Raises `config` for a mistake, or if the file has no notifiers. */
  testNotify(signal: AbortSignal): Promise<Delivery[]>;
}
