// Podman's own API answers the questions that its Docker API leaves out, as in 4.3; out of reach, the data is unknown.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { engineError } from '../../../../src/adapters/docker/calls/error.ts';
import { connect } from '../../../../src/adapters/docker/connect/connect.ts';
import type { Endpoint } from '../../../../src/adapters/docker/connect/endpoint.ts';
import { dockerEngine } from '../../../../src/adapters/docker/engine/engine.ts';
import { isConflict } from '../../../../src/core/model/engine-error.ts';
import { scratch, VERSION } from '../connect/fake-engine.ts';

const PODMAN = { ...VERSION, Components: [{ Name: 'Podman Engine', Version: '4.3.1' }] };
const IMAGE = { Id: 'sha256:1', RepoTags: ['docker.io/library/app:1'], Config: { Cmd: ['x'] } };
const HEALTH = { Test: ['CMD', 'true'], Interval: 5_000_000_000 };
const NETWORKS = [
  { name: 'podman', driver: 'bridge', network_interface: 'podman0', subnets: [{ subnet: '10.88.0.0/16' }] },
  { name: 'far', driver: 'macvlan', network_interface: 'eth0', subnets: null },
];
const OWN: Record<string, unknown> = {
  '/v4.0.0/libpod/images/sha256:1/json': { ...IMAGE, Healthcheck: HEALTH },
  '/v4.0.0/libpod/networks/json': NETWORKS,
};

type Answer = (url: string) => [status: number, body: unknown];

/** A Podman whose own API gives this answer, and its Docker API an image, or the given answer. */
async function podman(t: TestContext, own: Answer, docker: Answer = () => [200, IMAGE]) {
  const server = createServer(({ url = '' }, response) => {
    const [status, body] = url === '/version' ? [200, PODMAN] : (url.includes('/libpod/') ? own : docker)(url);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.keepAliveTimeout = 0;
  const path = join(scratch(t), 'engine.sock');
  await new Promise<void>((listening) => server.listen(path, listening));
  const endpoint: Endpoint = { kind: 'unix', path, origin: 'a test' };
  const connection = await connect(endpoint);
  t.after(() => {
    connection.close();
    server.closeAllConnections();
    server.close();
  });
  return dockerEngine(connection, endpoint, async () => undefined);
}

test('its own API tells of the health check of an image, and of the devices of bridges', async (t) => {
  const engine = await podman(t, (path) => [200, OWN[path]]);
  assert.deepEqual((await engine.image('app:1'))?.config, { Cmd: ['x'], Healthcheck: HEALTH });
  assert.deepEqual(await engine.bridges(), [{ device: 'podman0', subnets: ['10.88.0.0/16'] }]);
});

const LISTED = [
  { Id: 'a', Names: ['/0123456789ab-infra'] },
  { Id: 'b', Names: ['/web'] },
  { Id: 'c', Names: ['/alone'] },
];
const LISTED_BY_PODMAN = [
  { Id: 'a', IsInfra: true, Pod: '0123456789abcdef', PodName: 'shop' },
  { Id: 'b', IsInfra: false, Pod: '0123456789abcdef', PodName: 'shop' },
  { Id: 'c', IsInfra: false, Pod: '', PodName: '' },
];

test('its own API tells of the pod that a container is in, and is asked about new containers only', async (t) => {
  const asked: string[] = [];
  const there = LISTED.slice(0, 2);
  const own: Answer = (path) => {
    asked.push(path);
    return [200, LISTED_BY_PODMAN];
  };
  const engine = await podman(t, own, () => [200, there]);
  const pods = async () => (await engine.list()).map(({ pod }) => pod);
  const inShop = [
    { name: 'shop', infra: true },
    { name: 'shop', infra: false },
  ];
  assert.deepEqual(await pods(), inShop);
  assert.deepEqual(await pods(), inShop);
  assert.deepEqual(asked, ['/v4.0.0/libpod/containers/json?all=true']);
  there.push(...LISTED.slice(2));
  assert.deepEqual(await pods(), [...inShop, undefined]);
  there.shift();
  assert.deepEqual(await pods(), [inShop[1], undefined]);
  assert.equal(asked.length, 2);
});

for (const status of [403, 404])
  test(`no pod is known where that is answered with ${status}, and the containers are`, async (t) => {
    const engine = await podman(
      t,
      () => [status, { message: 'no' }],
      () => [200, LISTED],
    );
    assert.deepEqual(
      (await engine.list()).map(({ name, pod }) => [name, pod]),
      LISTED.map(({ Names: [name = ''] }) => [name.slice(1), undefined]),
    );
  });

for (const status of [403, 404])
  test(`nothing is known where that is answered with ${status}, and the rest works`, async (t) => {
    const engine = await podman(t, () => [status, { message: 'no' }]);
    assert.deepEqual((await engine.image('app:1'))?.config, { Cmd: ['x'] });
    assert.deepEqual(await engine.bridges(), []);
  });

test('an answer that is none of these is none', async (t) => {
  const engine = await podman(t, () => [200, [null, 3, { driver: 'bridge', network_interface: 7 }]]);
  assert.deepEqual((await engine.image('app:1'))?.config, { Cmd: ['x'] });
  assert.deepEqual(await engine.bridges(), []);
});

test('of a past end it is asked without a limit to the past, and by its own name for an end', async (t) => {
  const State = { StartedAt: '2026-01-01T00:00:00Z', FinishedAt: '2026-01-01T00:00:01Z' };
  const asked: URLSearchParams[] = [];
  const engine = await podman(
    t,
    () => [404, {}],
    (url) => {
      if (!url.includes('/events')) return [200, { State }];
      asked.push(new URL(url, 'http://podman').searchParams);
      return [200, { Action: 'die' }];
    },
  );
  assert.equal(await engine.wasStopped('1'), false);
  const [query] = asked;
  assert.deepEqual([query?.get('until'), query?.get('stream')], [null, 'false']);
  assert.deepEqual(JSON.parse(query?.get('filters') ?? '').event, ['kill', 'stop', 'died']);
});

test('a name that is taken is a conflict, and another fault is none', () => {
  const endpoint: Endpoint = { kind: 'unix', path: '/x', origin: 'a test' };
  const fault = (said: string) =>
    Object.assign(new Error(`(HTTP code 500) server error - ${said} `), { statusCode: 500 });
  const taken =
    'container create: the container name "a" is already in use by 3c. You have to remove it: that name is already in use';
  assert.ok(isConflict(engineError(endpoint, fault(taken))));
  assert.ok(!isConflict(engineError(endpoint, fault('container create: no such image'))));
});
