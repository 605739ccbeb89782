import { type HookConfig, type HookKind, traitsOf } from '../../../core/webhooks/kinds.ts';
import type { HookRequest, OneHeaders } from './request.ts';
import { hexSignature, hmac, sameText } from './signature.ts';
import { checkStandardWebhook } from './standard-webhooks.ts';

/** The result of checking the credential of a request. The reasons are for the owner of the hook only, not for the sender. */
export type Verdict =
  /** `id`: the same in a second delivery of the same message; undefined if nothing in it is signed. */
  | { readonly ok: true; readonly id: string | undefined }
  /** `onlyTooOld`: the signature itself is right. */
  | { readonly ok: false; readonly why: string; readonly onlyTooOld?: boolean };

/** Checks the credential of a request. `now` in milliseconds. */
export function verify(
  hook: Pick<HookConfig, 'kind'> & { readonly form: HookConfig['credential']['form'] },
  secret: string,
  request: Pick<HookRequest, 'rawBody' | 'query' | 'pathSecret'> & { readonly headers: OneHeaders },
  now: number,
): Verdict {
  const { headers } = request;
  switch (hook.form) {
    case 'secret':
      return signed(hook.kind, secret, request, now);
    case 'token':
      return same(headers[traitsOf(hook.kind).header ?? ''], secret, `header ${traitsOf(hook.kind).header}`);
    case 'bearer':
      return same(schemed(headers.authorization, 'bearer'), secret, 'header Authorization: Bearer');
    case 'basic': {
      const login = schemed(headers.authorization, 'basic');
      const text = login && Buffer.from(login, 'base64').toString();
      return same(text, secret, 'header Authorization: Basic');
    }
    case 'url-secret':
      return same(request.pathSecret ?? request.query.get('token') ?? undefined, secret, 'secret in the URL');
  }
}

/** Takes as long as a signature: for hooks that do not exist, and for those whose sender signs nothing. */
export function verifyNothing({ rawBody }: Pick<HookRequest, 'rawBody'>): Verdict {
  hmac('no hook has this name', rawBody);
  return { ok: false, why: 'no hook has this name' };
}

function signed(
  kind: HookKind,
  secret: string,
  { headers, rawBody }: Parameters<typeof verify>[2],
  now: number,
): Verdict {
  const { signature } = traitsOf(kind);
  if (signature === 'standard-webhooks') return checkStandardWebhook(headers, secret, rawBody, now);
  const given = (signature?.headers ?? []).map((name) => headers[name]);
  // Without a secret Gitea sends the header all the same, with nothing in it.
  if (given.every((text) => text === undefined || text === '' || text === 'sha256='))
    return { ok: false, why: `it has no signature (${signature?.headers[0]})` };
  const id = hexSignature(given, secret, rawBody);
  if (id === undefined) return { ok: false, why: 'the signature does not match: another secret, or a changed body' };
  return { ok: true, id };
}

function same(given: string | undefined, secret: string, what: string): Verdict {
  if (given === undefined || given === '') return { ok: false, why: `it has no ${what}` };
  return sameText(given, secret) ? { ok: true, id: undefined } : { ok: false, why: `the ${what} is wrong` };
}

function schemed(authorization: string | undefined, scheme: string): string | undefined {
  const [, name = '', value] = /^(\S+) +(\S.*)$/.exec(authorization ?? '') ?? [];
  return name.toLowerCase() === scheme ? value : undefined;
}
