// A container that publishes the port of another one in its network, as VPN containers do, on a machine that could redirect ports.
import assert from 'node:assert/strict';
import test from 'node:test';
import { openApp, quickly, retag } from '../../engine/compose-app.ts';
import { isPodman } from '../../lab/engine.ts';
import type { AppImageOptions } from '../../lab/images.ts';
import { startLoad } from '../../lab/load.ts';
import { missingRoot } from '../../lab/missing.ts';
import { freePort } from '../../lab/port.ts';
import { hostPort, testWorld, untilHealthy, type World } from '../../lab/world.ts';

/** The end of a container in the engine's records, in milliseconds since the epoch. */
async function endOf({ docker }: World, id: string): Promise<number> {
  const until = Math.ceil(Date.now() / 1000);
  const stream = await docker.getEvents({ since: 0, until, filters: { container: [id], event: ['die'] } });
  let text = '';
  for await (const chunk of stream) text += chunk;
  const [line] = text.split('\n');
  return JSON.parse(line ?? '').timeNano / 1e6;
}

test('the gap of a VPN container that is rolled is that of what it publishes', { skip: missingRoot() }, async (t) => {
  const world = testWorld(t);
  if (await isPodman(world.docker)) return t.skip('Podman hands no ports over');
  // It exposes nothing, and only waits.
  const waits: AppImageOptions = { from: 'base', cmd: ['sleep', '1000000'], stopSignal: 'SIGKILL' };
  const image = await world.image('vpn:1', { ...waits, env: { VERSION: 1 } });
  const vpn = await world.container('vpn', {
    image,
    network: await world.network('net'),
    ports: [{ host: await freePort(world.address) }],
  });
  const torrent = await world.container('torrent', {
    image: await world.image('torrent:1', { from: 'httpd' }),
    create: { HostConfig: { NetworkMode: `container:${vpn.id}` } },
  });
  await untilHealthy(torrent);
  const { app, close } = await openApp(world);
  world.after(async () => close());
  await retag(world, await world.image('vpn:2', { ...waits, env: { VERSION: 2 } }), image);

  const refused = await app.roll([world.name('vpn')], quickly({ overrides: { strategy: 'handover' } }));
  assert.equal(refused[0]?.error?.code, 'refused', JSON.stringify(refused));
  assert.match(refused[0].error.message, new RegExp(`${world.name('torrent')} in its network serves`));

  const load = startLoad({ url: `http://${world.address}:${await hostPort(vpn)}/`, keepAlive: false });
  await load.until(20);
  const [report] = await app.roll([world.name('vpn')], quickly());
  t.diagnostic(JSON.stringify(report));
  await load.until(load.soFar().timeline.length + 20);
  const { longestGapMs } = await load.stop();
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  assert.equal(report.strategy, 'stop-first');
  const { State } = await world.docker.getContainer(world.name('torrent')).inspect();
  const down = Date.parse(State.StartedAt) - (await endOf(world, vpn.id));
  const { gap = 0 } = report;
  t.diagnostic(`nothing ran for ${down} ms, a client waited for ${longestGapMs} ms, and the report says ${gap} ms`);
  assert.ok(down > 0 && gap >= down, `nothing ran for ${down} ms, and the report says ${gap} ms`);
});
