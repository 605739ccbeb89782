import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import test from 'node:test';
import { withEcr } from '../../../src/adapters/registry/ecr.ts';
import { openDial } from '../../../src/adapters/registry/http/dial.ts';
import { openHttp } from '../../../src/adapters/registry/http/http.ts';
import { readSettings } from '../../../src/adapters/registry/settings.ts';
import type { LoginFor } from '../../../src/ports/ports.ts';
import { type Answerer, type Asked, scripted, stoppedClock } from './scripted.ts';

const REGISTRY = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';
const KEYS = {
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG',
  AWS_SESSION_TOKEN: 'session',
};

async function amazon(t: Parameters<typeof scripted>[0], answer: Answerer, env: Record<string, string> = KEYS) {
  const api = await scripted(t, answer);
  const clock = stoppedClock();
  const dial = openDial(readSettings({ mirrors: [], insecure: [] }, '/nowhere'), {});
  t.after(() => dial.close());
  const none: LoginFor = async () => undefined;
  const all = { ...env, AWS_ENDPOINT_URL_ECR: `http://${api.host}/` };
  return { api, clock, loginFor: withEcr(none, openHttp(dial, clock), all, clock) };
}

const token =
  (expiresAt: number): Answerer =>
  (_, response) =>
    void response.end(
      JSON.stringify({
        authorizationData: [{ authorizationToken: Buffer.from('AWS:pass:word').toString('base64'), expiresAt }],
      }),
    );

/** Signature version 4 by Amazon's description, independent of the library. */
function signatureOf({ headers, body }: Asked): string {
  const authorization = String(headers.authorization);
  const [, date = '', names = ''] =
    /Credential=[^/]+\/(\d+)\/eu-central-1\/ecr\/aws4_request, SignedHeaders=([^,]+)/.exec(authorization) ?? [];
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const lines = names.split(';').map((name) => `${name}:${headers[name]}\n`);
  const canonical = ['POST', '/', '', lines.join(''), names, hash(body)].join('\n');
  const scope = `${date}/eu-central-1/ecr/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash(canonical)].join('\n');
  const key = ['eu-central-1', 'ecr', 'aws4_request'].reduce(hmac, hmac(`AWS4${KEYS.AWS_SECRET_ACCESS_KEY}`, date));
  return hmac(key, toSign).toString('hex');
}

test('AWS keys of the environment are changed for a login, which is kept until it expires', async (t) => {
  const { api, clock, loginFor } = await amazon(t, token(Date.UTC(2026, 0, 1, 12) / 1000));
  const login = { username: 'AWS', password: 'pass:word', serveraddress: REGISTRY };
  assert.deepEqual(await loginFor(REGISTRY), login);
  clock.redirectAddress(11 * 3_600_000);
  assert.deepEqual(await loginFor(REGISTRY), login);
  assert.equal(api.asked.length, 1);
  clock.redirectAddress(3_600_000);
  await loginFor(REGISTRY);
  assert.equal(api.asked.length, 2);
  const [asked] = api.asked;
  assert.ok(asked);
  assert.equal(asked.headers['x-amz-target'], 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken');
  assert.equal(asked.headers['x-amz-date'], '20260101T000000Z');
  assert.equal(asked.headers['x-amz-security-token'], 'session');
  assert.equal(/Signature=([0-9a-f]+)/.exec(String(asked.headers.authorization))?.[1], signatureOf(asked));
});

test('other registries, and an environment without keys, get nothing', async (t) => {
  const { api, loginFor } = await amazon(t, token(0));
  for (const other of ['ghcr.io', `${REGISTRY}.evil.example`, 'x.dkr.ecr.eu-central-1.amazonaws.com'])
    assert.equal(await loginFor(other), undefined);
  const without = await amazon(t, token(0), {});
  assert.equal(await without.loginFor(REGISTRY), undefined);
  assert.deepEqual([...api.lines(), ...without.api.lines()], []);
});

test('a refusal says which right is missing, and names no key', async (t) => {
  const { loginFor } = await amazon(t, (_, response) => void response.writeHead(400).end('{"__type":"AccessDenied"}'));
  const error = await loginFor(REGISTRY).catch((raised) => raised);
  assert.equal(error.code, 'login');
  assert.match(error.hint, /ecr:GetAuthorizationToken/);
  assert.doesNotMatch(`${error.message}${error.hint}`, /AKID|wJal/);
});
