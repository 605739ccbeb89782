import type { Clock } from '../../ports/host.ts';
import type { LoginFor } from '../../ports/ports.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { type Answer, headerOf, type Send } from './http/http.ts';
import { problem } from './http/problem.ts';
import type { Settings } from './settings.ts';
import { basic, openTokens, type Wish } from './tokens.ts';

/** A call about a repository, without anything that logs in. */
export interface Question {
  readonly method: 'HEAD' | 'GET';
  readonly url: URL;
  /** As references name it, which is how logins are kept. */
  readonly registry: string;
  readonly repository: string;
  readonly accept: string;
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Asks with the login that the registry wants; an answer that still is 401 or 403 is handed on. */
export type Ask = (question: Question) => Promise<Answer>;

interface Known {
  /** How the host wants to be logged in to, as far as it has told. */
  challenge: Challenge | undefined;
  /** The first question is under way: what it learns, the others need not ask. */
  first: Promise<unknown> | undefined;
}

/** Logs in as each host asks for it: the first question learns how, all later ones come with what it takes. */
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
    // The same once more would only be counted as another failed login.
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

// A token tells the registry nothing about the password.
function chosen({ headers }: Answer): Challenge | undefined {
  const offered = parseChallenges(headerOf(headers, 'www-authenticate') ?? '');
  return offered.find(({ scheme }) => scheme === 'bearer') ?? offered.find(({ scheme }) => scheme === 'basic');
}
