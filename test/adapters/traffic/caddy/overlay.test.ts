import assert from 'node:assert/strict';
import test from 'node:test';
import { fits, serversBy } from '../../../../src/adapters/traffic/caddy/address-file.ts';
import { socketOf } from '../../../../src/adapters/traffic/caddy/admin.ts';
import { factsOf } from '../../../../src/adapters/traffic/caddy/facts.ts';
import { handlersOf } from '../../../../src/adapters/traffic/caddy/handlers.ts';
import type { JsonObject } from '../../../../src/adapters/traffic/caddy/json.ts';
import { overlayOf } from '../../../../src/adapters/traffic/caddy/overlay.ts';
import { adminIn } from '../../../../src/adapters/traffic/caddy/process.ts';
import { isAtLeast } from '../../../../src/adapters/traffic/version.ts';
import type { Wanted } from '../../../../src/core/proxy/route.ts';

const [OLD, NEXT] = ['172.18.0.2:8080', '172.18.0.3:8080'] as const;

const overlay = (...weights: readonly [number, number]): Extract<Wanted, { kind: 'servers' }> => ({
  kind: 'servers',
  roll: 'r1',
  servers: [
    { address: OLD, state: 'ready', weight: weights[0] },
    { address: NEXT, state: 'ready', weight: weights[1] },
  ],
});

const proxy = (...dials: readonly string[]): JsonObject => ({
  handler: 'reverse_proxy',
  headers: { request: { set: { Host: ['example.org'] } } },
  load_balancing: { try_duration: '5s', selection_policy: { policy: 'cookie' } },
  upstreams: dials.map((dial) => ({ dial, max_requests: 9 })),
});

/** The handler that requests reach in an overlay. */
function served(handler: JsonObject): JsonObject {
  const routes = handler.routes as { match?: unknown; handle: JsonObject[] }[];
  return routes.find(({ match }) => match === undefined)?.handle[0] ?? {};
}

test('an overlay is found again as the route, with all that its owner wrote', () => {
  const baseline = { '@id': 'web', ...proxy('web:8080') };
  const wanted = overlay(1, 1);
  const config = { srv0: { routes: [{ handle: [overlayOf({ route: 'web', wanted, baseline }, 3, true)] }] } };
  const [found, ...others] = handlersOf('web', config);
  assert.deepEqual(others, []);
  assert.deepEqual(found?.path, ['srv0', 'routes', '0', 'handle', '0']);
  assert.deepEqual([found?.baseline, found?.marker?.wanted], [baseline, wanted]);
  assert.deepEqual(handlersOf('api', config), []);
});

test('a handler keeps its options, and its policy as long as the weights are equal', () => {
  const baseline = proxy('web:8080');
  const { upstreams, ...rest } = served(overlayOf({ route: 'web', wanted: overlay(4, 4), baseline }, 0, true));
  assert.deepEqual(
    upstreams,
    [OLD, NEXT].map((dial) => ({ max_requests: 9, dial })),
  );
  assert.deepEqual({ ...rest, upstreams: baseline.upstreams }, baseline);
});

test('weights are those of the policy, or a list with repetitions before Caddy 2.7', () => {
  const marker = { route: 'web', wanted: overlay(6, 2), baseline: proxy('web:8080') };
  assert.deepEqual(served(overlayOf(marker, 0, true)).load_balancing, {
    try_duration: '5s',
    selection_policy: { policy: 'weighted_round_robin', weights: [6, 2] },
  });
  const dials = (served(overlayOf(marker, 0, false)).upstreams as JsonObject[]).map(({ dial }) => dial);
  assert.deepEqual(dials, [OLD, OLD, OLD, NEXT]);
});

test('a route is found by its name, by a file and by an id', () => {
  const file = { handler: 'reverse_proxy', upstreams: [{ dial: '{file./etc/caddy/swapctl/web.addr}:8080' }] };
  const config = [proxy('web:8080'), proxy('webs:8080'), file, { '@id': 'web', ...proxy('10.0.0.1:80') }];
  assert.deepEqual(
    handlersOf('web', config).map(({ path }) => path[0]),
    ['0', '2', '3'],
  );
  assert.deepEqual(handlersOf('web', config)[1]?.file, { path: '/etc/caddy/swapctl/web.addr', port: '8080' });
});

test('a file has room for one server at its port', () => {
  const file = { path: '/web.addr', port: '8080' };
  const ready = { state: 'ready', weight: 1 } as const;
  const wanted = (...addresses: string[]): Wanted => ({
    kind: 'servers',
    roll: 'r1',
    servers: addresses.map((address) => ({ address, ...ready })),
  });
  assert.deepEqual([fits(file, wanted(OLD)), fits(file, wanted(OLD, NEXT))], [true, false]);
  assert.deepEqual(
    [fits(file, wanted('172.18.0.2:80')), fits({ ...file, port: undefined }, wanted(OLD))],
    [false, true],
  );
  // Another program wrote another address into it.
  const seen = serversBy(file, { text: '172.18.0.9', overlay: { wanted: overlay(1, 1), baseline: 'web' } });
  assert.deepEqual(
    seen.map(({ address, state }) => [address, state]),
    [
      [OLD, 'off'],
      [NEXT, 'off'],
      ['172.18.0.9:8080', 'ready'],
    ],
  );
});

test('the facts follow version and configuration', () => {
  const quiet = handlersOf('web', {
    ...proxy('{file./web.addr}'),
    load_balancing: { try_duration: 30_000_000_000 },
  });
  assert.deepEqual(shortOf('2.11.2', quiet), [true, 'requests', true, true]);
  assert.deepEqual(shortOf('2.11.1', quiet), [false, 'no', true, true]);
  const loud = handlersOf('web', proxy('web:8080'));
  assert.deepEqual(shortOf('2.11.7', loud), [true, 'no', false, false]);
  assert.deepEqual(shortOf('2.6.2', loud), [true, 'no', false, false]);
  const slow = handlersOf('web', { ...proxy('web:8080'), stream_close_delay: '5m' });
  assert.deepEqual(shortOf('2.11.7', slow), [true, 'no', false, true]);
});

function shortOf(version: string, handlers: ReturnType<typeof handlersOf>) {
  const { countsInFlight, hold, keepsIdleClients, keepsStreams } = factsOf(version, handlers);
  return [countsInFlight, hold, keepsIdleClients, keepsStreams];
}

test('addresses of the admin API', () => {
  assert.deepEqual(socketOf('unix//run/caddy/admin.sock|0660'), { path: '/run/caddy/admin.sock' });
  assert.deepEqual(socketOf(':2019'), { host: '127.0.0.1', port: 2019 });
  assert.deepEqual(socketOf('[::1]:2020'), { host: '::1', port: 2020 });
  assert.equal(socketOf('off'), undefined);
  assert.equal(adminIn('{\n\tdebug\n\tadmin localhost:3019\n}\nexample.org {\n}\n'), 'localhost:3019');
  assert.equal(adminIn('{"admin": {"listen": "unix//a.sock"}}'), 'unix//a.sock');
  assert.equal(adminIn('example.org {\n\troot * /admin\n}\n'), undefined);
});

test('versions', () => {
  assert.deepEqual(
    ['2.11.2', 'v2.11.10', '2.12', '2.8.4', '2.6.2', 'dev'].map((version) => isAtLeast(version, '2.11.2')),
    [true, true, true, false, false, true],
  );
});
