import * as z from 'zod';
import type { Clock } from '../../ports/host.ts';
import type { Login } from '../../ports/ports.ts';
import type { Challenge } from './challenge.ts';
import type { Answer, Send } from './http/http.ts';
import { once } from './http/once.ts';
import { problem, refusal } from './http/problem.ts';

/** The subject of a token. */
export interface Wish {
  readonly challenge: Challenge;
  /** `repository:library/nginx:pull`. */
  readonly scope: string;
  readonly login: Login | undefined;
  /** The registry (`host:port`), and true if it, with its token server, is exempt from verified TLS. */
  readonly registry: string;
  readonly plain: boolean;
  readonly signal: AbortSignal;
}

export interface Tokens {
  /** A token for the wish, kept until it expires; concurrent callers share one request. */
  token(wish: Wish): Promise<string>;
  /** Forgets a token that a registry has refused. */
  forget(wish: Wish): void;
}

const Answered = z.looseObject({
  token: z.string().nullish(),
  access_token: z.string().nullish(),
  expires_in: z.number().nullish(),
});

/** If no lifetime is given (distribution token specification). */
const DEFAULT_LIFE_S = 60;
/** A token is not used in its last moments. */
const MARGIN = 0.1;
const LARGEST = 1024 * 1024;
const CLIENT = 'swapctl';

/** Gets tokens by the distribution token specification: by GET, or by POST for an identity token (OAuth2). */
export function openTokens(send: Send, clock: Clock): Tokens {
  const kept = new Map<string, Promise<{ token: string; until: number }>>();
  return {
    token: async (wish) => {
      const key = keyOf(wish);
      const known = await kept.get(key)?.catch(() => undefined);
      if (known && known.until <= clock.now()) kept.delete(key);
      return (await once(kept, key, () => fetchToken(wish, send, clock))).token;
    },
    forget: (wish) => void kept.delete(keyOf(wish)),
  };
}

function keyOf({ challenge: { params }, scope, login }: Wish): string {
  const account = login && ('username' in login ? login.username : '<token>');
  return JSON.stringify([params.realm, params.service, scope, account, login?.serveraddress]);
}

async function fetchToken(wish: Wish, send: Send, clock: Clock): Promise<{ token: string; until: number }> {
  const realm = realmOf(wish);
  const asked = clock.now();
  const answer = await send(request(wish, realm));
  if (answer.status !== 200) throw refusal(wish.scope, realm.host, answer.status, answer.body);
  const { token, access_token: access, expires_in: life } = parsed(answer, realm.host);
  const value = token || access;
  // A token must not inject another header.
  if (!value || !/^[\x21-\x7e]+$/.test(value)) throw problem('bad-answer', `${realm.host} gives no token`);
  const lifeMs = (life && life > 0 ? life : DEFAULT_LIFE_S) * 1000;
  return { token: value, until: asked + lifeMs * (1 - MARGIN) };
}

function request({ challenge, scope, login, registry, signal }: Wish, realm: URL): Parameters<Send>[0] {
  const { service } = challenge.params;
  const asked = { ...(service === undefined ? {} : { service }), scope };
  const common = { registry, limit: LARGEST, signal };
  if (login && 'identitytoken' in login) {
    const form = { grant_type: 'refresh_token', ...asked, client_id: CLIENT, refresh_token: login.identitytoken };
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    return { ...common, method: 'POST', url: realm, headers, body: new URLSearchParams(form).toString() };
  }
  const url = new URL(realm);
  for (const [name, value] of Object.entries(asked)) url.searchParams.append(name, value);
  const authorization = login && basic(login);
  return {
    ...common,
    method: 'GET',
    url,
    headers: { accept: 'application/json', ...(authorization ? { authorization } : {}) },
  };
}

/** The Authorization of a user with a password; undefined for an incomplete login. */
export function basic(login: Login): string | undefined {
  if (!('username' in login)) return undefined;
  return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
}

// The connection itself refuses a private address (http.ts).
function realmOf({ challenge, registry, plain }: Wish): URL {
  const text = challenge.params.realm ?? '';
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  if (!realm || !/^https?:$/.test(realm.protocol) || realm.username !== '')
    throw problem('bad-answer', `${registry} names no server that would give a token`);
  if (realm.protocol === 'http:' && !plain)
    throw problem('bad-answer', `${registry} wants its login to go to ${realm.host} in clear text; that is not done`);
  return realm;
}

function parsed({ body }: Answer, host: string): z.infer<typeof Answered> {
  try {
    return Answered.parse(JSON.parse(body.toString('utf8')));
  } catch {
    throw problem('bad-answer', `${host} gives an answer that is no token`);
  }
}
