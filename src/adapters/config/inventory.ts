import path from 'node:path';
import * as z from 'zod';
import { parseAddress } from '../../core/inventory/address.ts';
import { parseHostHooks, shownHostHook } from '../../core/inventory/hooks.ts';
import {
  type GroupConfig,
  type HostAddress,
  type Inventory,
  NO_INVENTORY,
  ON_FAILURE,
  type OnFailure,
} from '../../core/inventory/inventory.ts';
import { inventoryMistakes } from '../../core/inventory/mistakes.ts';
import { SwapError } from '../../core/model/error.ts';
import { parseDuration } from '../../core/text/duration.ts';
import type { Wrong } from './wrong.ts';

/** Makes a schema of known keys; given by the schema of the whole file. */
type Section = <T extends z.core.$ZodLooseShape>(what: string, shape: T) => z.ZodObject<T, z.core.$strict>;

/** The sections `hosts` and `groups` of swapctl.yml, after the check of their shape. */
export interface InventoryShape {
  readonly hosts?: Readonly<Record<string, string | HostShape>>;
  readonly groups?: Readonly<Record<string, GroupShape>>;
}

interface HostShape {
  readonly url?: string;
  readonly context?: string;
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
}

interface GroupShape {
  readonly hosts: readonly string[];
  readonly canary?: string;
  readonly bake?: string | number;
  readonly 'at-once'?: number;
  readonly 'on-failure'?: OnFailure;
  readonly 'before-host'?: string | readonly string[];
  readonly 'after-host'?: string | readonly string[];
}

const MOST_AT_ONCE = 99;

const url = checked((text) => {
  const address = parseAddress(text, { origin: 'this line', code: 'config' });
  if (address.kind === 'default') throw new SwapError('config', 'this address is empty');
});
const file = z.string().min(1, { error: () => 'this is the path of a file, and it is empty' });
const hooks = (what: string) => {
  const one = checked((text) => void parseHostHooks(text, what));
  return z.union([one, z.array(one)], { error: (issue) => hooksMessage(issue.input, what) });
};

/** The schemas of the two sections. */
export function inventorySchemas(section: Section) {
  const tls = section('a key of tls', {
    ca: file.meta({ description: 'PEM file with the authority that signed the certificate of the engine' }),
    cert: file.meta({ description: 'PEM file with the certificate of this client' }).optional(),
    key: file.meta({ description: 'PEM file with its private key' }).optional(),
  });
  const host = section('a key of a host', {
    url: url.meta({ description: 'address of the engine: ssh://USER@HOST or tcp://HOST:PORT' }).optional(),
    tls: tls.meta({ description: 'TLS files for a tcp:// address' }).optional(),
    context: z.string().min(1).meta({ description: 'Docker context of the engine' }).optional(),
  });
  const group = section('a key of a group', {
    hosts: z.array(z.string()).meta({ description: 'hosts in order; the name of a group stands for its hosts' }),
    canary: z.string().meta({ description: 'host that is rolled first (default: the first)' }).optional(),
    bake: checked((text) => void parseDuration(text, 'bake', '365d'), z.union([z.string(), z.number()]))
      .meta({ description: 'time that the canary host runs the new image before the others follow (default: 0s)' })
      .optional(),
    'at-once': z
      .int()
      .min(1)
      .max(MOST_AT_ONCE)
      .meta({ description: 'hosts rolled at the same time after the canary host (default: 1)' })
      .optional(),
    'on-failure': z
      .enum(ON_FAILURE)
      .meta({ description: 'after a failure: halt (default), or roll the finished hosts back' })
      .optional(),
    'before-host': hooks('before-host')
      .meta({ description: 'hooks before the roll of each host: call URL, or run PROGRAM' })
      .optional(),
    'after-host': hooks('after-host')
      .meta({ description: 'hooks after the roll of each host: call URL, or run PROGRAM' })
      .optional(),
  });
  return {
    hosts: z
      .record(z.string(), z.union([url, host], { error: (issue) => hostMessage(issue, host) }))
      .meta({ description: 'Docker hosts for --on, by name' })
      .optional(),
    groups: z.record(z.string(), group).meta({ description: 'groups of hosts for --on, by name' }).optional(),
  };
}

/** Mistakes in `hosts` and `groups` that no single key shows. */
export function inventoryGaps(document: Readonly<Record<string, unknown>>): Wrong[] {
  const hosts = mapping(document.hosts);
  const groups = Object.entries(mapping(document.groups)).flatMap(([name, entry]) => {
    const { hosts: members, canary } = mapping(entry);
    if (!Array.isArray(members)) return [];
    const texts = members.filter((one): one is string => typeof one === 'string');
    return [[name, { hosts: texts, canary: typeof canary === 'string' ? canary : undefined }] as const];
  });
  return [
    ...Object.entries(hosts).flatMap(([name, host]) => hostGaps(name, host)),
    ...inventoryMistakes(Object.keys(hosts), Object.fromEntries(groups)),
  ];
}

function hostGaps(name: string, host: unknown): Wrong[] {
  if (typeof host === 'string') return [];
  const { url, context, tls } = mapping(host);
  const wrong = (message: string): Wrong[] => [{ path: ['hosts', name], of: 'key', message }];
  if (url === undefined && context === undefined) return wrong(`the host ${name} needs url or context`);
  if (url !== undefined && context !== undefined)
    return wrong(`the host ${name} has url and context; give one of them`);
  if (tls === undefined) return [];
  const { cert, key } = mapping(tls);
  if (typeof url !== 'string' || !url.startsWith('tcp://')) return wrong(`the host ${name}: tls needs a tcp:// url`);
  return (cert === undefined) === (key === undefined) ? [] : wrong(`the host ${name}: tls needs both cert and key`);
}

/** The sections as values. */
export function inventoryOf({ hosts, groups }: InventoryShape, folder: string): Inventory {
  if (!hosts && !groups) return NO_INVENTORY;
  return {
    hosts: mapValues(hosts, (host) => hostOf(host, (name) => path.resolve(folder, name))),
    groups: mapValues(groups, groupOf),
  };
}

function hostOf(host: string | HostShape, at: (file: string) => string): HostAddress {
  if (typeof host === 'string') return { kind: 'url', url: host, tls: undefined };
  const { url = '', context, tls } = host;
  if (context !== undefined) return { kind: 'context', context };
  const files = tls && {
    ca: at(tls.ca),
    cert: tls.cert === undefined ? undefined : at(tls.cert),
    key: tls.key === undefined ? undefined : at(tls.key),
  };
  return { kind: 'url', url, tls: files };
}

function groupOf(group: GroupShape): GroupConfig {
  const hooksOf = (value: string | readonly string[] | undefined) =>
    [value ?? []].flat().flatMap((text) => parseHostHooks(text, 'hook'));
  return {
    hosts: group.hosts,
    canary: group.canary,
    bakeMs: group.bake === undefined ? 0 : parseDuration(String(group.bake), 'bake', '365d'),
    atOnce: group['at-once'] ?? 1,
    onFailure: group['on-failure'] ?? 'halt',
    beforeHost: hooksOf(group['before-host']),
    afterHost: hooksOf(group['after-host']),
  };
}

/** The sections as `swapctl config show` prints them. */
export function shownInventory({ hosts, groups }: Inventory): object {
  return {
    hosts: mapValues(hosts, (host) =>
      host.kind === 'context'
        ? { context: host.context }
        : host.tls
          ? { url: host.url, tls: { ...host.tls } }
          : host.url,
    ),
    groups: mapValues(groups, ({ hosts: members, canary, bakeMs, atOnce, onFailure, beforeHost, afterHost }) => ({
      hosts: members,
      ...(canary === undefined ? {} : { canary }),
      bake: `${bakeMs / 1000}s`,
      'at-once': atOnce,
      'on-failure': onFailure,
      ...(beforeHost.length > 0 ? { 'before-host': beforeHost.map(shownHostHook) } : {}),
      ...(afterHost.length > 0 ? { 'after-host': afterHost.map(shownHostHook) } : {}),
    })),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the caller's schema keeps its own types
function checked(read: (text: string) => void, schema: z.ZodType<any> = z.string()) {
  return schema.superRefine((value, context) => {
    const message = whyNot(() => read(String(value)));
    if (message) context.addIssue({ code: 'custom', message });
  });
}

function whyNot(read: () => void): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    return [error.message, error.hint].filter(Boolean).join('; ');
  }
}

// zod only says that no branch of the union fits.
function hooksMessage(input: unknown, what: string): string {
  const texts = [input].flat();
  if (!texts.every((text) => typeof text === 'string')) return `${what} has to be text, or a list of texts`;
  return texts.map((text) => whyNot(() => void parseHostHooks(text, what))).find((why) => why) ?? `${what} is wrong`;
}

function hostMessage({ input }: z.core.$ZodRawIssue, host: z.ZodType): string {
  if (typeof input === 'string')
    return url.safeParse(input).error?.issues[0]?.message ?? 'this is not the address of a host';
  if (typeof input !== 'object' || input === null) return 'a host is an address, or a mapping with url or context';
  return host.safeParse(input).error?.issues[0]?.message ?? 'this is not a host';
}

function mapping(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function mapValues<A, B>(values: Readonly<Record<string, A>> | undefined, to: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [key, to(value)]));
}
