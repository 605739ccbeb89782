import { AwsV4Signer } from 'aws4fetch';
import * as z from 'zod';
import type { Clock } from '../../ports/host.ts';
import type { Login, LoginFor } from '../../ports/ports.ts';
import type { Send } from './http/http.ts';
import { problem } from './http/problem.ts';

type Env = Readonly<Record<string, string | undefined>>;

const HOST = /^\d{12}\.dkr\.(ecr(?:-fips)?)\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/;
const TARGET = 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken';
const Answered = z.looseObject({
  authorizationData: z.array(z.looseObject({ authorizationToken: z.string(), expiresAt: z.number().nullish() })).min(1),
});
/** Amazon's tokens live for 12 hours; if no lifetime is given, a part of that is enough. */
const DEFAULT_LIFE_MS = 3_600_000;
const MARGIN_MS = 60_000;
const LARGEST = 64 * 1024;
const TIMEOUT_MS = 20_000;

/**
 * Adds the login of Amazon's registries if Docker has none and AWS keys are in the environment: the password is a token of the
 * ECR API (GetAuthorizationToken). Keys of an instance's role are left to Amazon's own helper.
 */
export function withEcr(loginFor: LoginFor, send: Send, env: Env, clock: Clock): LoginFor {
  const kept = new Map<string, { readonly until: number; readonly login: Login }>();
  return async (registry) => {
    const own = await loginFor(registry);
    const [, kind = '', region = '', china = ''] = HOST.exec(registry) ?? [];
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
    if (own || !region || !accessKeyId || !secretAccessKey) return own;
    const known = kept.get(registry);
    if (known && clock.now() < known.until) return known.login;
    const name = kind === 'ecr' ? 'api.ecr' : kind;
    const url = env.AWS_ENDPOINT_URL_ECR || `https://${name}.${region}.amazonaws.com${china}/`;
    const token = env.AWS_SESSION_TOKEN ? { sessionToken: env.AWS_SESSION_TOKEN } : {};
    const fresh = await ask({ accessKeyId, secretAccessKey, ...token, region, url, registry }, send, clock);
    kept.set(registry, fresh);
    return fresh.login;
  };
}

interface Wish {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly region: string;
  readonly url: string;
  readonly registry: string;
}

async function ask({ registry, ...wish }: Wish, send: Send, clock: Clock): Promise<{ until: number; login: Login }> {
  const datetime = new Date(clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, '');
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': TARGET };
  const signer = new AwsV4Signer({
    ...wish,
    method: 'POST',
    headers,
    body: '{}',
    service: 'ecr',
    datetime,
    allHeaders: true,
  });
  const signed = await signer.sign();
  const url = new URL(wish.url);
  const { status, body } = await send({
    method: 'POST',
    url,
    registry: url.host,
    headers: Object.fromEntries(signed.headers),
    body: '{}',
    limit: LARGEST,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (status !== 200) throw refused(registry, url.host, `answers ${status}`);
  const parsed = Answered.safeParse(jsonOrNothing(body));
  const [data] = parsed.success ? parsed.data.authorizationData : [];
  const [username = '', password = ''] = splitOnce(
    Buffer.from(data?.authorizationToken ?? '', 'base64').toString('utf8'),
  );
  if (!data || !username || !password) throw refused(registry, url.host, 'gives no token');
  const until = data.expiresAt ? data.expiresAt * 1000 - MARGIN_MS : clock.now() + DEFAULT_LIFE_MS;
  return { until, login: { username, password, serveraddress: registry } };
}

function refused(registry: string, host: string, what: string): Error {
  return problem(
    'login',
    `${host} ${what} where a login for ${registry} was asked for with the AWS keys of the environment`,
    'they need the right ecr:GetAuthorizationToken; or use docker-credential-ecr-login',
  );
}

function splitOnce(text: string): [string, string] | [] {
  const colon = text.indexOf(':');
  return colon < 0 ? [] : [text.slice(0, colon), text.slice(colon + 1)];
}

function jsonOrNothing(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
