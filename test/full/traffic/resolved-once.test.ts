// nginx without a resolver keeps the address from its start: the report names nginx, or a hook reloads it.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { kernelLayer } from '../../../src/app/traffic/kernel-layer.ts';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import { openApp, quickly } from '../../engine/compose-app.ts';
import { addressOf, NEEDS_NFT } from '../../engine/traffic/address-redirect-world.ts';
import { APP_PORT } from '../../lab/images.ts';
import { type LoadInside, startLoadInside } from '../../lab/load-inside.ts';
import { startNginx } from '../../lab/nginx.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

const RATE = 20;

interface Rolled {
  readonly world: World;
  readonly nginx: string;
  readonly network: string;
  /** The old container's address. */
  readonly address: string;
  readonly report: ServiceReport;
  readonly load: LoadInside;
}

/** Rolls a service behind nginx while clients ask nginx; `settings` get the names. */
async function rolled(
  t: test.TestContext,
  settings: (nginx: string) => Record<string, string>,
): Promise<Rolled | undefined> {
  const world = testWorld(t);
  const { app, ports, close } = await openApp(world);
  world.after(async () => close());
  if (!(await kernelLayer(ports)).available) {
    t.skip(NEEDS_NFT);
    return undefined;
  }
  const network = await world.network('net');
  const image = await world.image('web:live', { version: '1', health: {} });
  const web = await world.container('web', { image, network, aliases: ['web'], env: { DRAIN: 1 } });
  await untilHealthy(web);
  const address = await addressOf(web, network);
  await startNginx(world, 'nginx', { network, servers: [`web:${APP_PORT}`] });
  const nginx = world.name('nginx');
  const client = { network, url: `http://${nginx}:8080/`, ratePerSecond: RATE, keepAlive: false };
  const load = await startLoadInside(world, client);
  await load.answeredBy('1');
  await world.image('web:live', { version: '2', health: {} });
  const request = quickly({ overrides: settings(nginx), pull: 'never' });
  const [report] = await app.roll([world.name('web')], request);
  return { world, nginx, network, address, report: report ?? assert.fail('no report'), load };
}

suite('a client that has resolved the name once', () => {
  test('is served for the linger time, and is in the report', async (t) => {
    const done = await rolled(t, () => ({ linger: '6s' }));
    if (!done) return;
    const { world, nginx, network, address, report } = done;
    // It would keep connecting to the old address for a minute.
    await world.docker.getContainer(nginx).remove({ force: true });
    const load = await done.load.stop();
    t.diagnostic(JSON.stringify({ timings: report.timings, requests: load.requests, failed: load.failed }));
    assert.equal(report.outcome, 'rolled', JSON.stringify(report));
    assert.deepEqual(report.staleClients, [{ client: nginx, network, address }]);
    assert.match(report.attention?.[0]?.message ?? '', new RegExp(`^${nginx} still connects to ${address} `));
    assert.ok((load.byVersion['2'] ?? 0) > 0, 'the new container answers at the old address');
  });

  test('resolves it again by a hook, and no request fails', async (t) => {
    const done = await rolled(t, (nginx) => ({ linger: '60s', 'on-switch': `signal HUP ${nginx}` }));
    if (!done) return;
    const { nginx, report } = done;
    const load = await done.load.stop();
    t.diagnostic(JSON.stringify({ timings: report.timings, requests: load.requests, failed: load.failed }));
    assert.deepEqual([report.outcome, report.attention], ['rolled', undefined], JSON.stringify(report));
    assert.deepEqual(report.hooks, [{ hook: `signal SIGHUP ${nginx}` }]);
    assert.deepEqual(load.failures, []);
    assert.equal(load.timeline.at(-1)?.version, '2');
  });
});
