// HAProxy and nginx in containers, driven by driver and engine: their configuration names the service, before and after.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type Docker from 'dockerode';
import type { Server, ServerState, Wanted } from '../../../src/core/proxy/route.ts';
import { drivenProxy, KINDS } from '../../lab/driven-proxies.ts';
import { APP_PORT } from '../../lab/images.ts';
import { startLoad } from '../../lab/load.ts';
import { proxyScene, type Scene } from '../../lab/proxy-scene.ts';
import { eventually } from '../../lab/waiting.ts';

async function serverOf(container: Docker.Container, state: ServerState): Promise<Server> {
  const { NetworkSettings } = await container.inspect();
  const [endpoint] = Object.values(NetworkSettings.Networks);
  return { address: `${endpoint?.IPAddress}:${APP_PORT}`, state, weight: 1 };
}

async function roll({ world, driver, app }: Scene, t: TestContext): Promise<void> {
  const old = world.docker.getContainer(world.name('web'));
  const next = await app('web-2', '2');
  const servers = async (before: ServerState, after: ServerState): Promise<Wanted> => ({
    kind: 'servers',
    roll: 'r0ll1',
    servers: [await serverOf(old, before), await serverOf(next, after)],
  });
  await driver.apply('web', await servers('ready', 'off'), t.signal);
  await driver.apply('web', await servers('draining', 'ready'), t.signal);
  const address = (await serverOf(old, 'draining')).address;
  await eventually('the old one has no request under way', async () => {
    const found = (await driver.route('web', t.signal))?.servers.find((one) => one.address === address);
    return found?.inFlight === undefined || found.inFlight === 0;
  });
  await old.stop();
  await old.remove();
  await driver.apply('web', { kind: 'baseline' }, t.signal);
}

for (const kind of KINDS)
  test(`${kind} in a container goes from name to name over a roll, and no request fails`, {
    skip: drivenProxy(kind).skip,
  }, async (t) => {
    const stage = await proxyScene(t, kind);
    const { driver, url, files } = stage;
    const before = await files();
    const { version, keepsIdleClients } = await driver.facts(t.signal, 'web');
    // Traefik from its sources says `dev`.
    assert.match(version, /^\d+\.\d+\.\d+|^dev$/);
    // Where idle connections are closed, a kept one may meet its end.
    const load = startLoad({ url, ratePerSecond: 100, keepAlive: keepsIdleClients ? 'mixed' : false });
    await load.until(50, '1');
    await roll(stage, t);
    const switched = load.soFar().requests;
    await load.until(50, '2');
    const { failures, timeline } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(timeline.slice(switched).every((answer) => answer.version === '2'));
    assert.equal(await files(), before);
    const route = await driver.route('web', t.signal);
    assert.deepEqual(route?.wanted, { kind: 'baseline' });
    const next = await serverOf(stage.world.docker.getContainer(stage.world.name('web-2')), 'ready');
    // Caddy and Traefik show the name, which they resolve for each connection.
    assert.match(
      route?.servers.map(({ address }) => address).join() ?? '',
      new RegExp(`^(${next.address}|web:${APP_PORT})$`),
    );
    assert.deepEqual(
      route?.servers.map(({ state }) => state),
      ['ready'],
    );
  });
