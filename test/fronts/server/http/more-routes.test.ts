import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test, { suite } from 'node:test';
import { NO_CONFIG } from '../../../../src/core/settings/config.ts';
import { missingProgram } from '../../../lab/missing.ts';
import { siteOf } from './site.ts';

const WAIT = { prefer: 'wait=60' };

test('metrics count rolls, requests by the pattern of their route, and refused callers', async (t) => {
  const { world, call } = await siteOf(t, ['shop/web']);
  world.newer();
  await call('/v1/rolls', { method: 'POST', headers: WAIT, body: { service: 'web' } });
  await call('/v1/services/shop%2Fweb');
  await call('/v1/nothing');
  await call('/v1/services', { headers: { authorization: 'Bearer nonsense' } });
  const { headers, text } = await call('/metrics');
  assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  for (const line of [
    'swapctl_rolls_total{service="shop/web",strategy="start-first",outcome="rolled",trigger="api"} 1',
    'swapctl_roll_in_progress{service="shop/web"} 0',
    'swapctl_http_requests_total{method="GET",route="/v1/services/:service",status="200"} 1',
    'swapctl_http_requests_total{method="GET",route="none",status="404"} 1',
    'swapctl_auth_failures_total{reason="not-a-token"} 1',
    `swapctl_build_info{version="1.2.3",node="${process.version.slice(1)}"} 1`,
    'swapctl_engine_up 1',
  ])
    assert.ok(text.includes(`${line}\n`), `${line}\n${text}`);
});

test('metrics have what registries answer, and what the process uses', async (t) => {
  const { server, call } = await siteOf(t, ['web']);
  const asked = { kind: 'asked', registry: 'docker.io', ms: 300 } as const;
  server.report({ ...asked, outcome: 'answered', remaining: 76 });
  server.report({ ...asked, outcome: 'failed' });
  const { text } = await call('/metrics');
  for (const line of [
    'swapctl_check_duration_seconds_bucket{registry="docker.io",outcome="answered",le="0.25"} 0',
    'swapctl_check_duration_seconds_sum{registry="docker.io",outcome="answered"} 0.3',
    'swapctl_check_duration_seconds_count{registry="docker.io",outcome="failed"} 1',
    'swapctl_registry_rate_limit_remaining{registry="docker.io"} 76',
  ])
    assert.ok(text.includes(`${line}\n`), `${line}\n${text}`);
  const of = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  assert.ok(of('process_cpu_seconds_total') > 0);
  assert.ok(of('process_resident_memory_bytes') > 10_000_000);
  assert.ok(of('process_start_time_seconds') > 0);
  assert.ok(of('nodejs_eventloop_lag_seconds') >= 0);
  const later = Number(/^process_cpu_seconds_total (\S+)$/m.exec((await call('/metrics')).text)?.[1]);
  assert.ok(later >= of('process_cpu_seconds_total') && later < 2 * of('process_cpu_seconds_total') + 60);
});

test('metrics of a server pass promtool', { skip: missingProgram('promtool') }, async (t) => {
  const { world, call } = await siteOf(t, ['shop/web']);
  world.newer();
  await call('/v1/rolls', { method: 'POST', headers: WAIT, body: { service: 'web' } });
  await call('/v1/checks', { method: 'POST', headers: WAIT, body: {} });
  const { text: input } = await call('/metrics');
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
});

suite('a webhook', () => {
  const secret = { shown: '…', read: async () => 's3cret' };
  const credential = { form: 'url-secret' as const, secret };
  const hooks = { hub: { kind: 'docker-hub' as const, credential, registry: undefined } };
  const push = { push_data: { tag: 'live' }, repository: { repo_name: 'library/app' } };

  test('makes the server check the services that track the image, as a job', async (t) => {
    const config = { ...NO_CONFIG, hooks };
    const { world, server, call } = await siteOf(t, ['web'], undefined, { config });
    world.newer();
    const checked = new Promise<string>((resolve) => {
      server.book.subscribe(({ kind, actor, state }) => void (kind === 'update' && state === 'done' && resolve(actor)));
    });
    const { status, json } = await call('/hooks/hub/s3cret', { method: 'POST', body: push });
    assert.deepEqual([status, json.outcome], [202, 'accepted']);
    assert.equal(await checked, 'hook hub');
    assert.match((await call('/metrics')).text, /swapctl_hooks_total\{hook="hub",outcome="accepted"\} 1/);
  });

  test('with a wrong secret, or of no such name, is refused in the same words, and nothing is checked', async (t) => {
    const config = { ...NO_CONFIG, hooks };
    const { server, call } = await siteOf(t, ['web'], undefined, { config });
    const wrong = await call('/hooks/hub/other', { method: 'POST', body: push });
    const none = await call('/hooks/none/s3cret', { method: 'POST', body: push });
    assert.deepEqual([wrong.status, wrong.text], [401, none.text]);
    const large = await call('/hooks/hub/s3cret', { method: 'POST', body: { x: 'y'.repeat(1_100_000) } });
    assert.equal(large.status, 413);
    assert.deepEqual((await server.book.list()).jobs, []);
  });
});
