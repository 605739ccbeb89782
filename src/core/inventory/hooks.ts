import { fail } from '../model/error.ts';
import { printable } from '../text/suggest.ts';

/** An action before or after the roll of a host, for a load balancer in front of it. */
export type HostHook =
  | { readonly kind: 'call'; readonly url: string }
  | { readonly kind: 'run'; readonly program: string; readonly args: readonly string[] };

const HINT = 'write call URL, or run PROGRAM ARGUMENTS; separate several by semicolons';

/** Reads hooks separated by semicolons. Raises `config`. */
export function parseHostHooks(value: string, what: string): HostHook[] {
  const given = value.split(';').map((one) => one.trim());
  return given.filter((one) => one !== '').map((one) => parseHostHook(one, what));
}

function parseHostHook(text: string, what: string): HostHook {
  const [kind, first = '', ...rest] = text.split(/\s+/);
  if (kind === 'call' && rest.length === 0 && /^https?:\/\//.test(first) && URL.canParse(first))
    return { kind, url: first };
  if (kind === 'run' && first !== '') return { kind, program: first, args: rest };
  return fail('config', `${what}: ${printable(withoutSecrets(text))} is not a hook of a host`, { hint: HINT });
}

/** A hook for people, without the parts of a URL that may be secret. */
export function shownHostHook(hook: HostHook): string {
  if (hook.kind === 'run') return ['run', hook.program, ...hook.args].join(' ');
  const { protocol, host, pathname, search } = new URL(hook.url);
  return `call ${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}

// A URL that can't be parsed may still contain a login.
function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^/\s]*@/g, '//…@').replace(/\?\S*/g, '?…');
}
