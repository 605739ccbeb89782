import { fail } from '../model/error.ts';
import { nearest, printable } from '../text/suggest.ts';
import { isPattern, matches } from './pattern.ts';

/** An action that a caller asks for. `admin`: every action without a scope of its own, such as recovery. */
export type Action = 'read' | 'check' | 'roll' | 'rollback' | 'admin';

/** A permission: an action, for `roll` and `rollback` with a pattern over `project/service`. */
export type Scope =
  | { readonly kind: 'read' | 'check' | 'admin' }
  | { readonly kind: 'roll' | 'rollback'; readonly pattern: string };

const PLAIN = ['read', 'check', 'admin'] as const;
const PATTERNED = ['roll', 'rollback'] as const;

/** Reads `read`, `check`, `admin`, `roll:PATTERN` or `rollback:PATTERN`. Raises `config`. */
export function parseScope(text: string): Scope {
  const plain = PLAIN.find((kind) => kind === text);
  if (plain) return { kind: plain };
  const kind = PATTERNED.find((name) => text.startsWith(`${name}:`));
  if (!kind) return unknownScope(text);
  const pattern = text.slice(kind.length + 1);
  if (isPattern(pattern)) return { kind, pattern };
  return fail('config', `${printable(text)}: ${printable(pattern)} is not a pattern of services`, {
    hint: `write it like ${kind}:shop/web, ${kind}:shop/* or ${kind}:*`,
  });
}

/** A scope as the token file and swapctl.yml write it. */
export function scopeText(scope: Scope): string {
  return 'pattern' in scope ? `${scope.kind}:${scope.pattern}` : scope.kind;
}

/**
 * True if the scopes permit an action on a service (its key, `project/service`). Without a service the action concerns all
 * services, so that only a pattern of `*` permits it. `roll` includes `read` and `check` of the same services, and `rollback`
 * includes `read`: a caller may see what it may change.
 */
export function allows(scopes: readonly Scope[], action: Action, service?: string): boolean {
  return scopes.some((scope) => permits(scope, action, service));
}

/** The items that the scopes permit to read. An item without a service concerns the whole server and needs `read`. */
export function readable<T>(
  scopes: readonly Scope[],
  items: readonly T[],
  keyOf: (item: T) => string | undefined,
): readonly T[] {
  return items.filter((item) => allows(scopes, 'read', keyOf(item)));
}

function permits(scope: Scope, action: Action, service: string | undefined): boolean {
  if (scope.kind === 'admin') return true;
  if (!('pattern' in scope)) return scope.kind === action;
  if (!INCLUDED[scope.kind].includes(action)) return false;
  return service === undefined ? scope.pattern === '*' : matches(scope.pattern, service);
}

const INCLUDED: Readonly<Record<'roll' | 'rollback', readonly Action[]>> = {
  roll: ['roll', 'read', 'check'],
  rollback: ['rollback', 'read'],
};

function unknownScope(text: string): never {
  if (PATTERNED.some((kind) => kind === text))
    return fail('config', `${text} needs a pattern of services`, { hint: `for all services: ${text}:*` });
  const near = nearest(PLAIN, text);
  return fail('config', `${printable(text)} is not a scope`, {
    hint: near ? `did you mean ${near}?` : 'use read, check, roll:PATTERN, rollback:PATTERN or admin',
  });
}
