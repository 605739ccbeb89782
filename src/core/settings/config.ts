import { NO_SERVER, type ServerConfig } from '../access/server-config.ts';
import { type Inventory, NO_INVENTORY } from '../inventory/inventory.ts';
import type { Delivery, NotifyWhen } from '../report/summary.ts';
import type { HookConfig } from '../webhooks/kinds.ts';
import type { Secret } from './secret.ts';

/** A setting in swapctl.yml: as a label would have it, and where it stands (`swapctl.yml:12`). */
export interface FileSetting {
  readonly value: string;
  readonly where: string;
}

/** Settings by key. */
export type FileLayer = Readonly<Record<string, FileSetting>>;

/** What swapctl.yml says about one service. */
export interface FileSettings {
  readonly defaults: FileLayer;
  readonly service: FileLayer;
}

/** How a registry is reached. */
export interface RegistryConfig {
  /** Speak HTTP, or TLS without asking who answers. */
  readonly insecure: boolean;
  /** Path of a PEM file with the certificates to trust. */
  readonly ca: string | undefined;
  /** URLs that are asked first, in this order. */
  readonly mirrors: readonly string[];
}

/** What tells people, and what each kind needs to be told. */
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

/** Where to tell what came of a run: the values of one notifier, by key. */
export type NotificationConfig = {
  readonly [K in keyof Notifiers]: { readonly kind: K } & {
    readonly [N in Notifiers[K]['needs'][number]]: Secret;
  } & { readonly [T in Notifiers[K]['takes'][number]]?: Secret };
}[keyof Notifiers];

/** What swapctl.yml says. */
export interface Config {
  /** Undefined: there is none. */
  readonly path: string | undefined;
  readonly defaults: FileLayer;
  /** By `project/service`, compose service, or container. */
  readonly services: Readonly<Record<string, FileLayer>>;
  /** By host, with the port where there is one. */
  readonly registries: Readonly<Record<string, RegistryConfig>>;
  readonly notifications: readonly NotificationConfig[];
  /** What is worth a notification. */
  readonly notify: NotifyWhen;
  /** How many services are rolled at the same time. */
  readonly maxRollsAtOnce: number;
  /** Hosts and groups of hosts for `--on`. */
  readonly inventory: Inventory;
  readonly server: ServerConfig;
  /** Webhooks that a server accepts, by name. */
  readonly hooks: Readonly<Record<string, HookConfig>>;
}

/** What is wrong in swapctl.yml. Lines and columns count from 1. */
export interface Mistake {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** The configuration where there is no file. */
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

/** What the file says about a service by its key: its entry under the full name, else under the short one. */
export function settingsFor(config: Config, key: string): FileSettings {
  const { services, defaults } = config;
  const entry = entryNames(key).find((name) => Object.hasOwn(services, name));
  return { defaults, service: (entry !== undefined && services[entry]) || {} };
}

/** The names that a service may have in the file, by its key. */
export function entryNames(key: string): string[] {
  return [key, key.slice(key.lastIndexOf('/') + 1)];
}

/** What `swapctl config check` found. */
export interface ConfigCheck {
  readonly path: string | undefined;
  readonly mistakes: readonly Mistake[];
  /** What is right but does not work here and now: a variable that is not set, a file that can't be read. */
  readonly notes: readonly string[];
}

/** The configuration as `swapctl config show` prints it: nothing in it is secret. */
export interface ConfigShown {
  readonly path: string | undefined;
  readonly document: unknown;
  /** The document as YAML. */
  readonly lines: readonly string[];
}

/** What `swapctl config` does; it needs no engine. */
export interface ConfigDesk {
  check(): Promise<ConfigCheck>;
  /** Raises `config` where there is a mistake. */
  show(): Promise<ConfigShown>;
  /** The JSON schema of the file. */
  schema(): Promise<unknown>;
  /** The webhooks of the file, by name. Raises `config` where there is a mistake. */
  hooks(): Promise<Config['hooks']>;
  /** The `server` section. Raises `config` where there is a mistake. */
  server(): Promise<ServerConfig>;
  /** Sends a test message to every notifier of the file. Raises `config` where there is a mistake, or none is in it. */
  testNotify(signal: AbortSignal): Promise<Delivery[]>;
}
