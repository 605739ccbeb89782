import * as z from 'zod';
import { SwapError } from '../../core/model/error.ts';
import { NOTIFY_WHEN, type NotifyWhen } from '../../core/report/summary.ts';
import { NOTIFIERS } from '../../core/settings/config.ts';
import { type Form, SETTINGS, type Setting } from '../../core/settings/table.ts';
import { settingLine } from '../../core/settings/text.ts';
import { nearest, printable } from '../../core/text/suggest.ts';
import { whyNoTemplate } from '../../core/text/template.ts';
import { CREDENTIALS, HOOK_NAME, HOOKS } from '../../core/webhooks/kinds.ts';
import { type InventoryShape, inventorySchemas } from './inventory.ts';
import { type ServerShape, serverSchema } from './server.ts';

/** Separates several unknown keys in one message; no key contains a line break. */
export const EACH_KEY = '\n';
const MOST_AT_ONCE = 99;
// A host, an IPv4 address, or an IPv6 address in brackets, each with or without a port.
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/;

const settings = Object.fromEntries(
  Object.entries(SETTINGS).map(([key, setting]) => [key, settingSchema(key, setting)]),
);
// A default for all services would make each depend on itself.
const { 'depends-on': _, ...common } = settings;

const registry = section('a key of a registry', {
  ca: z.string().meta({ description: 'a PEM file with the certificates to trust' }).optional(),
  insecure: z.boolean().meta({ description: 'speak HTTP, or TLS without asking who answers' }).optional(),
  mirrors: z
    .array(z.url({ protocol: /^https?$/ }))
    .meta({ description: 'URLs that are asked first' })
    .optional(),
});

const TEMPLATE = z.string().superRefine((text, context) => {
  const message = whyNoTemplate(text);
  if (message) context.addIssue({ code: 'custom', message });
});

const notifiers = Object.entries(NOTIFIERS).map(([kind, { needs, takes }]) => {
  const keys = [...needs, ...takes].flatMap((name) => [name, `${name}-file`]);
  return section(`a key of ${kind}`, {
    kind: z.literal(kind),
    ...Object.fromEntries(keys.map((key) => [key, (key === 'template' ? TEMPLATE : z.string()).optional()])),
  });
});

const REGISTRY_HOST = z
  .string()
  .superRefine((text, context) => {
    const message = `registry: ${printable(text)} is not the host of a registry; write it like registry.example.org:5000`;
    if (!HOST.test(text)) context.addIssue({ code: 'custom', message });
  })
  .meta({ description: 'host under which services name the registry, if it is not the one in the message' });

const hookKinds = Object.entries(HOOKS).map(([kind, { takes }]) => {
  const credentials = takes.flatMap((form) => [
    [form, z.string().meta({ description: CREDENTIALS[form] }).optional()],
    [
      `${form}-file`,
      z
        .string()
        .meta({ description: `file that holds it: ${CREDENTIALS[form]}` })
        .optional(),
    ],
  ]);
  return section(`a key of a ${kind} hook`, {
    kind: z.literal(kind),
    ...Object.fromEntries(credentials),
    registry: REGISTRY_HOST.optional(),
  });
});

/** The schema of swapctl.yml. */
const SCHEMA = section('a section', {
  defaults: section('a setting for all services', common).meta({ description: 'settings of all services' }).optional(),
  services: z
    .record(z.string(), section('a setting', settings))
    .meta({ description: 'settings by project/service, compose service or container' })
    .optional(),
  registries: z.record(z.string().regex(HOST), registry).meta({ description: 'by host, or host:port' }).optional(),
  notifications: z
    .array(z.discriminatedUnion('kind', notifiers as [(typeof notifiers)[number], ...typeof notifiers]))
    .meta({
      description:
        'the receivers of notifications; a value may contain variables of the environment, or be in a file (url-file)',
    })
    .optional(),
  notify: z
    .enum(NOTIFY_WHEN)
    .meta({ description: 'what is worth a notification: what was updated, failed or is new; failures; every run' })
    .optional(),
  'max-rolls-at-once': z
    .int()
    .min(1)
    .max(MOST_AT_ONCE)
    .meta({ description: 'how many services are rolled at the same time' })
    .optional(),
  ...inventorySchemas(section),
  server: serverSchema(section)
    .meta({ description: 'swapctl serve: where it listens, and who may call it' })
    .optional(),
  hooks: z
    .record(
      z.string().regex(HOOK_NAME),
      z.discriminatedUnion('kind', hookKinds as [(typeof hookKinds)[number], ...typeof hookKinds]),
    )
    .meta({
      description:
        'webhooks that a server accepts, by the name in their URL: each makes it check services for newer images. Each has one credential, whose value may contain variables of the environment or be in a file (secret-file)',
    })
    .optional(),
});

/** A swapctl.yml of the right shape. */
export type Shape = InventoryShape & {
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly services?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly registries?: Readonly<Record<string, z.infer<typeof registry>>>;
  readonly notifications?: readonly Readonly<Record<string, string>>[];
  readonly notify?: NotifyWhen;
  readonly 'max-rolls-at-once'?: number;
  readonly server?: ServerShape;
  readonly hooks?: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

/** All violations of the schema, from zod; none: the document has the right shape. */
export function issuesOf(document: unknown): readonly z.core.$ZodIssue[] {
  return SCHEMA.safeParse(document, { error: inWords }).error?.issues ?? [];
}

/** The JSON schema of swapctl.yml, for editors. */
export function jsonSchema(): unknown {
  return { ...z.toJSONSchema(SCHEMA), title: 'swapctl.yml' };
}

/** A value in the form of a label; undefined if it has another type. */
export function asText(value: unknown, form: Form): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (form.kind !== 'list' || !Array.isArray(value)) return undefined;
  const items = value.map((item) => (typeof item === 'string' || typeof item === 'number' ? String(item) : undefined));
  return items.includes(undefined) ? undefined : items.join(form.separator);
}

// The table of settings validates the values; the JSON schema tells editors the part that they understand.
function settingSchema(key: string, { read, form }: Setting): z.ZodType {
  const check = (value: unknown, context: z.core.$RefinementCtx): void => {
    const message = whatIsWrong(value, key, read, form);
    if (message) context.addIssue({ code: 'custom', message });
  };
  return z
    .unknown()
    .superRefine(check)
    .meta({ ...jsonForm(form), description: settingLine(key) })
    .optional();
}

function whatIsWrong(value: unknown, key: string, read: Setting['read'], form: Form): string | undefined {
  if (value === null) return `${key} is empty; give a value, or take the line out`;
  const text = asText(value, form);
  if (text === undefined)
    return `${key} has to be ${form.kind === 'list' ? 'text, or a list of texts' : 'a single value'}`;
  try {
    read(text, key);
    return undefined;
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    return [error.message, error.hint].filter(Boolean).join('; ');
  }
}

function jsonForm(form: Form): object {
  switch (form.kind) {
    case 'choice':
      return { enum: form.of };
    case 'flag':
      return { type: 'boolean' };
    case 'number':
      return { type: 'integer', minimum: form.least, maximum: form.most };
    case 'duration':
      return { type: ['string', 'number'], examples: ['30s', '1m30s', '2h'] };
    case 'text':
      return { type: 'string' };
    case 'list':
      return { type: ['string', 'array'], items: { type: 'string' } };
  }
}

function section<T extends z.core.$ZodLooseShape>(what: string, shape: T): z.ZodObject<T, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownKey(key, what, known)).join(EACH_KEY)
        : undefined,
  });
}

function unknownKey(key: string, what: string, known: readonly string[]): string {
  const near = nearest(known, key.replace(/^swapctl\./, ''));
  return `${printable(key)} is not ${what}; ${near ? `did you mean ${near}?` : `known are: ${known.join(', ')}`}`;
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'a mapping (key: value)',
  record: 'a mapping (key: value)',
  array: 'a list',
  string: 'text',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
};

function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  const key = issue.path?.at(-1);
  const named = typeof key === 'string' ? key : 'this';
  switch (issue.code) {
    case 'invalid_type':
      return `${named} has to be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'too_small':
    case 'too_big':
      return `${named} has to be from 1 to ${MOST_AT_ONCE}`;
    case 'invalid_key':
      if (issue.path?.[0] === 'hooks')
        return `${printable(named)} cannot be the name of a hook; use lower-case letters, digits, dots, dashes and underscores, at most 64`;
      return `${printable(named)} is no host of a registry; write it like registry.example.org:5000`;
    case 'invalid_value':
      return `${named} has to be one of: ${issue.values.join(', ')}`;
    case 'invalid_format':
      return 'this is no URL; write it like https://mirror.example.org';
    case 'invalid_union':
      if (issue.path?.[0] === 'hosts' || issue.path?.[0] === 'groups') return undefined;
      return issue.path?.[0] === 'hooks'
        ? unknownKind(issue.input, Object.keys(HOOKS), 'hook')
        : unknownKind(issue.input, Object.keys(NOTIFIERS), 'notification');
    default:
      return undefined;
  }
}

function unknownKind(entry: unknown, kinds: readonly string[], of: string): string {
  const kind = typeof entry === 'object' && entry !== null && 'kind' in entry ? entry.kind : undefined;
  if (typeof kind !== 'string') return `kind is missing; use one of: ${kinds.join(', ')}`;
  const near = nearest(kinds, kind);
  return `${printable(kind)} is no kind of ${of}; ${near ? `did you mean ${near}?` : `use one of: ${kinds.join(', ')}`}`;
}
