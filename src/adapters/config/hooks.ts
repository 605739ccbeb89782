import { fail } from '../../core/model/error.ts';
import type { Secret } from '../../core/settings/secret.ts';
import { type CredentialForm, HOOKS, type HookConfig, type HookKind, traitsOf } from '../../core/webhooks/kinds.ts';
import { filedSecret, type Vault, writtenSecret } from './secret.ts';
import type { Wrong } from './wrong.ts';

/** An attacker could guess a shorter secret. */
const SHORTEST_SECRET = 16;
const VARIABLE = /\$\{/;

/** Mistakes in the section `hooks` that a schema of single keys cannot find: a missing, second or short credential. */
export function hookMistakes(hooks: unknown): Wrong[] {
  return Object.entries(mapping(hooks)).flatMap(([name, entry]) => {
    const { kind, ...values } = mapping(entry);
    if (typeof kind !== 'string' || !Object.hasOwn(HOOKS, kind)) return [];
    return mistakesOf(['hooks', name], kind as HookKind, values);
  });
}

function mistakesOf(path: readonly string[], kind: HookKind, values: Readonly<Record<string, unknown>>): Wrong[] {
  const { takes } = traitsOf(kind);
  const [first, ...others] = takes.flatMap((form) => [form, `${form}-file`]).filter((key) => key in values);
  if (first === undefined)
    return [
      { path, of: 'value', message: `a ${kind} hook needs a credential: ${listed(takes)}, or the same with -file` },
    ];
  const twice = others.map((key): Wrong => {
    const message = `a hook has one credential: give ${first} or ${key}, not both`;
    return { path: [...path, key], of: 'key', message };
  });
  const text = values[first];
  const isShort = !first.endsWith('-file') && typeof text === 'string' && !VARIABLE.test(text) && tooShort(text);
  return isShort ? [...twice, { path: [...path, first], of: 'value', message: `${first} ${TOO_SHORT}` }] : twice;
}

const TOO_SHORT = `has to have ${SHORTEST_SECRET} characters or more; openssl rand -hex 32 makes a good one`;

function tooShort(text: string): boolean {
  return text.length < SHORTEST_SECRET;
}

function listed(takes: readonly string[]): string {
  return takes.length === 1 ? `${takes[0]}` : `${takes.slice(0, -1).join(', ')} or ${takes.at(-1)}`;
}

/** A hook of a file without mistakes. */
export function hookOf(entry: Readonly<Record<string, string>>, vault: Vault): HookConfig {
  const kind = entry.kind as HookKind;
  const [key = '', text = ''] = Object.entries(entry).find(([name]) => name !== 'kind' && name !== 'registry') ?? [];
  const form = key.replace(/-file$/, '') as CredentialForm;
  const secret = longEnough(key, form === key ? writtenSecret(key, text, vault) : filedSecret(text, vault));
  return { kind, credential: { form, secret }, registry: entry.registry };
}

// An empty file would be a signature key that anybody knows.
function longEnough(key: string, { shown, read }: Secret): Secret {
  return {
    // A URL would show its host, which is part of the secret here.
    shown: shown.includes('://') ? '…' : shown,
    read: async () => {
      const text = await read();
      return tooShort(text) ? fail('config', `${key} ${TOO_SHORT}`) : text;
    },
  };
}

function mapping(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
