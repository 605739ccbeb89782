// Hooks behind a real HTTP server: the bytes of a body arrive as they were signed, and a push causes the check of a service.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import test, { suite } from 'node:test';
import { dockerTarget } from '../../../../src/app/target/docker.ts';
import { hintedServices } from '../../../../src/app/update/hinted.ts';
import type { PushedRepository } from '../../../../src/core/webhooks/hint.ts';
import { type HookWorld, openHooks } from '../../../../src/fronts/server/hooks/receive.ts';
import { digest, madeUp, update } from '../../../app/made-up.ts';
import { EVENT_GRID_VALIDATION } from '../../../core/webhooks/payloads.ts';
import { hookOf, NOW, received, SECRET } from './sent.ts';
import { served } from './served.ts';

const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

suite('over HTTP', () => {
  test('a signature counts for the bytes that were sent, and the secret in path or query', async (t) => {
    const told: string[] = [];
    const world = received({ ghcr: hookOf('github', 'secret'), hub: hookOf('docker-hub', 'url-secret') });
    const url = await served(t, world, ({ outcome }) => told.push(outcome));
    const body = '{ "zen": "\u00fcber" }\r\n';
    const sum = createHmac('sha256', SECRET).update(body).digest('hex');
    const headers = { 'X-GitHub-Event': 'ping', 'X-Hub-Signature-256': `sha256=${sum}` };
    const ping = await post(`${url}/ghcr`, body, headers);
    assert.deepEqual([ping.status, ((await ping.json()) as { outcome: string }).outcome], [202, 'ignored']);
    const push = '{"push_data":{"tag":"1"},"repository":{"repo_name":"acme/shop"}}';
    const secret = encodeURIComponent(SECRET);
    assert.equal((await post(`${url}/hub/${secret}`, push)).status, 202);
    assert.equal((await post(`${url}/hub?token=${secret}`, push)).status, 202);
    assert.equal((await post(`${url}/hub`, push)).status, 401);
    assert.equal((await post(`${url}/nobody`, push)).status, 401);
    assert.deepEqual(told, ['ignored', 'accepted', 'accepted', 'refused', 'refused']);
    assert.deepEqual(world.added, ['docker.io/acme/shop', 'docker.io/acme/shop']);
  });

  test('Event Grid gets its two handshakes', async (t) => {
    const url = `${await served(t, received({ acr: hookOf('acr-event-grid', 'url-secret') }))}/acr`;
    const token = `token=${encodeURIComponent(SECRET)}`;
    const validated = await post(`${url}?${token}`, JSON.stringify(EVENT_GRID_VALIDATION));
    assert.deepEqual(await validated.json(), { validationResponse: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6' });
    const headers = { 'webhook-request-origin': 'eventgrid.azure.net' };
    const asked = await fetch(`${url}?${token}`, { method: 'OPTIONS', headers });
    assert.deepEqual([asked.status, asked.headers.get('webhook-allowed-origin')], [200, 'eventgrid.azure.net']);
  });
});

test('a push reaches the service that tracks it, and its registry is asked', async (t) => {
  const made = madeUp();
  made.add('web', { 'swapctl.enable': 'true' }, { image: 'acme/shop:1' });
  made.add('other', { 'swapctl.enable': 'true' }, { image: 'acme/other:1' });
  made.tags.set('acme/shop:1', digest('b'));
  const rolls: string[] = [];
  let world: HookWorld | undefined;
  let now = NOW;
  const sleep = async (ms: number): Promise<void> => {
    now += ms;
  };
  const done = new Promise<void>((resolve, reject) => {
    const check = async (pushes: readonly PushedRepository[]): Promise<void> => {
      const wanted = { selectors: [], all: false, absent: true, overrides: {} };
      const hinted = await hintedServices(made.ports, dockerTarget(made.ports), { ...wanted, pushes });
      const only = new Set(hinted.flatMap(({ service, checked }) => (checked ? [service] : [])));
      rolls.push(...(await update(made, { only, absent: true })).rolls);
      resolve();
    };
    world = openHooks({
      hooks: () => ({ hub: hookOf('docker-hub', 'url-secret') }),
      clock: { now: () => now, sleep },
      signal: new AbortController().signal,
      check,
      onError: reject,
    });
  });
  const url = await served(t, world ?? assert.fail('it was opened'));
  const push = '{"push_data":{"tag":"1"},"repository":{"repo_name":"acme/shop"}}';
  assert.equal((await post(`${url}/hub/${encodeURIComponent(SECRET)}`, push)).status, 202);
  await done;
  assert.deepEqual(rolls, ['web']);
  assert.deepEqual(
    made.asked.filter((question) => question.startsWith('HEAD')),
    ['HEAD acme/shop:1'],
  );
});
