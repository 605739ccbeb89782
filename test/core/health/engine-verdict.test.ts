import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { engineVerdictFor, noticedNow, verdictWithinMs } from '../../../src/core/health/engine-verdict.ts';
import type { Noticed } from '../../../src/core/health/noticed.ts';
import type { Container } from '../../../src/core/model/container.ts';
import { container, own, policy, summary } from '../builders.ts';

const S = 1e9;
const CHECK = { Test: ['CMD', '/healthy'], Interval: 5 * S, Timeout: 2 * S, Retries: 3 };

function served(change: Partial<Container> = {}): Container {
  return container({
    id: 'web',
    config: { Healthcheck: CHECK },
    health: { status: 'healthy', log: [] },
    networks: { front: {} },
    ...change,
  });
}

const PROXY = summary({ id: 'proxy', name: 'proxy', status: 'running', networks: ['front'], readsEngine: true });

function because(labels: Record<string, string>, one = served(), all = [PROXY], self?: string): string | undefined {
  return engineVerdictFor(one, own(labels), policy(), all, self)?.because;
}

suite('whether the verdict of the engine is waited for', () => {
  test('it is where a proxy finds the service by a label or a variable', () => {
    const labels: [string, string][] = [
      ['traefik.enable', 'traefik.*'],
      ['traefik.http.routers.web.rule', 'traefik.*'],
      ['caddy', 'caddy*'],
      ['caddy_1', 'caddy*'],
      ['caddy.reverse_proxy', 'caddy*'],
    ];
    for (const [label, shown] of labels)
      assert.equal(because({ [label]: 'x' }, served(), []), `a proxy finds it by its labels ${shown}`);
    const variable = served({ config: { Healthcheck: CHECK, Env: ['A=1', 'VIRTUAL_HOST=web.test'] } });
    assert.equal(because({}, variable, []), 'a proxy finds it by its variable VIRTUAL_HOST');
  });

  test('it is where a container that can read the engine is in one of its networks', () => {
    assert.equal(because({}), 'proxy can read the engine and shares a network with it');
    const others = [
      { ...PROXY, networks: ['back'] },
      { ...PROXY, status: 'exited' as const },
      { ...PROXY, readsEngine: false },
      { ...PROXY, id: 'web' },
    ];
    assert.equal(because({}, served(), others), undefined);
    assert.equal(because({}, served(), [PROXY], 'proxy'), undefined, 'swapctl itself is no proxy');
  });

  test('other labels and variables hint at nothing', () => {
    const variable = served({ config: { Healthcheck: CHECK, Env: ['MY_VIRTUAL_HOST=1', 'VIRTUAL_HOSTING=1'] } });
    assert.equal(because({ caddyshack: '1', 'my.traefik.enable': '1' }, variable, []), undefined);
  });

  test('it is not where the engine does not call the old container healthy either', () => {
    for (const status of ['starting', 'unhealthy'] as const)
      assert.equal(because({ 'traefik.enable': 'true' }, served({ health: { status, log: [] } })), undefined);
  });

  test('it is where the old container has no check, since the new image may bring one', () => {
    const unchecked = served({ config: {}, health: undefined });
    assert.equal(because({ 'traefik.enable': 'true' }, unchecked), 'a proxy finds it by its labels traefik.*');
  });

  test('the setting has the last word', () => {
    const asked = (engineVerdict: 'true' | 'false') =>
      engineVerdictFor(served({ health: undefined }), own({}), policy({ engineVerdict }), [PROXY], undefined);
    assert.deepEqual(asked('true'), { because: 'swapctl.health.engine=true asks for it' });
    assert.equal(asked('false'), undefined);
  });

  test('it takes at most one interval, and what proxies take to act', () => {
    assert.equal(verdictWithinMs(served()), 7000);
    assert.equal(verdictWithinMs(served({ config: { Healthcheck: { Test: CHECK.Test } } })), 32_000);
  });
});

suite('what the verdict is worth to a proxy', () => {
  const table: [string, Partial<Container>, number | undefined, Noticed][] = [
    ['no check', { health: undefined }, undefined, 'none'],
    ['starting', { health: { status: 'starting', log: [] } }, undefined, 'waiting'],
    ['healthy, seen for the first time', {}, undefined, 'waiting'],
    ['healthy for less than a proxy takes', {}, 8500, 'waiting'],
    ['healthy for long enough', {}, 8000, 'noticed'],
    ['unhealthy', { health: { status: 'unhealthy', log: [] } }, 8000, 'unhealthy'],
  ];
  for (const [name, change, since, expected] of table)
    test(name, () => assert.equal(noticedNow(served({ startedAt: 1000, ...change }), since, 10_000), expected));

  test('an engine that never comes to one gives none', () => {
    const starting = served({ startedAt: 1000, health: { status: 'starting', log: [] } });
    const end = 1000 + 3 * (5000 + 2000) + 2000;
    assert.equal(noticedNow(starting, undefined, end - 1), 'waiting');
    assert.equal(noticedNow(starting, undefined, end), 'none');
  });
});
