import type { Clock } from '../../ports/host.ts';
import type { LoginFor } from '../../ports/ports.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { type Answer, headerOf, type Send } from './http/http.ts';
import { problem } from './http/problem.ts';
import type { Settings } from './settings.ts';
import { basic, openTokens, type Wish } from './tokens.ts';

/** A call for a repository, without a login. */
export interface Question {
  readonly method: 'HEAD' | 'GET';
  readonly url: URL;
  /** As references name it; logins use the same name. */
  readonly registry: string;
  readonly repository: string;
  readonly accept: string;
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Asks with the login that the registry wants; passes on an answer that is still 401 or 403. */
export type Ask = (question: Question) => Promise<Answer>;

interface Known {
  /** The host's authentication challenge, if it has sent one. */
  challenge: Challenge | undefined;
  /** The first request in progress: the others wait for the challenge that it learns. */
  first: Promise<unknown> | undefined;
}

/** Logs in as each host requires: the first request learns the challenge, all later ones carry the login. */
export function openAsk(send: Send, loginFor: LoginFor, isInsecure: Settings['isInsecure'], clock: Clock): Ask {
  const hosts = new Map<string, Known>();
  const tokens = openTokens(send, clock);
  const wishFor = async (question: Question, challenge: Challenge): Promise<Wish> => {
    const { url, registry, repository, signal } = question;
    const login = await loginFor(registry);
    if (challenge.scheme === 'basic' && login === undefined) throw noLogin(registry);
    const scope = `repository:${repository}:pull`;
    return { challenge, scope, login, registry: url.host, plain: await isInsecure(url.host), signal };
  };

  const authorization = async (wish: Wish): Promise<string | undefined> =>
    wish.challenge.scheme === 'bearer' ? `Bearer ${await tokens.token(wish)}` : wish.login && basic(wish.login);

  const withLogin = async (question: Question, known: Known): Promise<Answer> => {
    const early = known.challenge && (await wishFor(question, known.challenge));
    const header = early && (await authorization(early));
    const answer = await send(callOf(question, header));
    if (answer.status !== 401) return answer;
    const challenge = chosen(answer);
    if (!challenge) return answer;
    known.challenge = challenge;
    const wish = await wishFor(question, challenge);
    if (early) tokens.forget(early);
    tokens.forget(wish);
    const renewed = await authorization(wish);
    // The same login again would only count as another failure.
    return renewed === undefined || renewed === header ? answer : send(callOf(question, renewed));
  };

  return async (question) => {
    const host = question.url.host;
    const known = hosts.get(host) ?? { challenge: undefined, first: undefined };
    hosts.set(host, known);
    if (known.first) await known.first;
    const answering = withLogin(question, known);
    known.first ??= answering.catch(() => {});
    return answering;
  };
}

function callOf(
  { method, url, accept, limit, signal }: Question,
  authorization: string | undefined,
): Parameters<Send>[0] {
  const headers = { accept, ...(authorization === undefined ? {} : { authorization }) };
  return { method, url, registry: url.host, headers, limit, signal };
}

function noLogin(registry: string): Error {
  const message = `${registry} wants a login, and there is none for it on this machine`;
  return problem('login', message, `docker login ${registry}`);
}

// A token does not show the password to the registry.
function chosen({ headers }: Answer): Challenge | undefined {
  const offered = parseChallenges(headerOf(headers, 'www-authenticate') ?? '');
  return offered.find(({ scheme }) => scheme === 'bearer') ?? offered.find(({ scheme }) => scheme === 'basic');
}
