// A roll waits for the requests in progress in the old container, but not for idle connections.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import test, { suite } from 'node:test';
import { kernelLayer } from '../../../src/app/traffic/kernel-layer.ts';
import type { Progress } from '../../../src/core/report/progress.ts';
import { WGET_HEALTH } from '../../lab/images.ts';
import { hostPort, testWorld, untilHealthy, type World } from '../../lab/world.ts';
import { openApp, quickly } from '../compose-app.ts';
import { NEEDS_NFT } from './address-redirect-world.ts';

// On a busy machine a check takes its time, and that says nothing about the app.
const PATIENT = { timeoutMs: 20_000, retries: 30 };
// The requests of a health check are connections, too: after a success it makes no more, so that the others can be counted.
const ASKS_ONCE = { ...PATIENT, test: `[ -e /up ] || { ${WGET_HEALTH} && touch /up; }` };

suite('a roll', () => {
  test('waits for the request under way, and not for idle connections', async (t) => {
    const { slow, report } = await rolled(t, { 'drain.timeout': '60s' }, 10_000);
    assert.equal(await slow, '1', 'the app exits at once, but only after the answer');
    assert.deepEqual(report.connections, { idle: 4, busy: 1, cut: 0 });
    assert.ok((report.timings.drain ?? 0) < 60_000, JSON.stringify(report.timings));
  });

  test('waits for idle connections as well where that is wanted, up to the limit', async (t) => {
    const { report } = await rolled(t, { 'drain.timeout': '1s', 'drain.idle': 'false' }, 0);
    assert.deepEqual(report.connections, { busy: 4, cut: 4 });
  });

  test('closes idle connections before the stop if that is wanted', async (t) => {
    const { report, gates } = await rolled(t, { 'drain.timeout': '60s', 'drain.close': 'true' }, 0);
    if (!gates) return t.skip(NEEDS_NFT);
    assert.deepEqual(report.connections, { idle: 0, busy: 0, cut: 0, closed: 4 });
  });
});

/**
 * Rolls an app that exits at once, with three idle clients, and another one that has never sent anything. One of them asks for something
 * slow at the end.
 */
async function rolled(t: test.TestContext, overrides: Record<string, string>, slowMs: number) {
  const world = testWorld(t);
  const image = await world.image('web:live', { version: '1', health: ASKS_ONCE });
  const web = await world.container('web', { image, ports: [{ host: 0 }], env: { DRAIN: 0 } });
  await untilHealthy(web);
  const port = await hostPort(web);
  const clients = await keptConnections(world, port, 3);
  const spare = net.connect(port, world.address).on('error', () => {});
  world.after(async () => spare.destroy());
  await world.image('web:live', { version: '2', health: PATIENT });
  let slow: Promise<string> | undefined;
  const { app, ports, close } = await openApp(world, (progress: Progress) => {
    if (slowMs > 0 && progress.kind === 'step' && progress.step.kind === 'rename')
      slow ??= clients[0]?.ask(`/slow?ms=${slowMs}`);
  });
  world.after(async () => close());
  const [report] = await app.roll([world.name('web')], quickly({ overrides, pull: 'never' }));
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  t.diagnostic(JSON.stringify({ connections: report.connections, timings: report.timings }));
  return { slow, report, gates: (await kernelLayer(ports)).available };
}

interface Client {
  ask(path: string): Promise<string>;
}

/** Each has asked once, and keeps its connection. */
async function keptConnections(world: World, port: number, count: number): Promise<Client[]> {
  const clients = Array.from({ length: count }, () => keptConnection(world, port));
  for (const client of clients) await client.ask('/');
  return clients;
}

function keptConnection(world: World, port: number): Client {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  world.after(async () => agent.destroy());
  return {
    async ask(path) {
      const request = http.get({ host: world.address, port, path, agent });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      await once(response.resume(), 'end');
      return String(response.headers['x-version']);
    },
  };
}
