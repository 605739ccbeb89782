// The rest of test/engine/traffic/address-redirect.test.ts: clients in all networks of a container.
import assert from 'node:assert/strict';
import test from 'node:test';
import { quickly } from '../../engine/compose-app.ts';
import { addressOf, asked, startRoll, TIMES, tables } from '../../engine/traffic/address-redirect-world.ts';
import { clientsAt, type Shape, startTraffic } from '../../lab/traffic.ts';
import { untilHealthy } from '../../lab/world.ts';

test('a container in several networks, one of them internal, is led to in each of them', async (t) => {
  const rolled = await startRoll(t, { newer: { READY_AFTER_MS: 500 } });
  if (!rolled) return;
  const { world, name, old, app, during } = rolled;
  const web = world.docker.getContainer(old);
  const inside = await world.network('inside', { Internal: true });
  await world.docker.getNetwork(inside).connect({ Container: old, EndpointConfig: { Aliases: ['web'] } });
  const address = await addressOf(web, inside);
  const image = world.name('web:live');
  const stranger = await world.container('stranger', { image, network: inside });
  await untilHealthy(stranger);
  const byName: Shape = { kind: 'new', method: 'POST', ratePerSecond: 20 };
  const clients = await startTraffic(
    { world, network: inside },
    clientsAt({ url: 'http://web:8080/', byName: true }, { alias: byName }),
  );
  let settling: string | undefined;
  during['settle web'] = async () => {
    settling = (await asked(stranger, address))?.version;
  };
  const [report] = await app.roll([name], quickly({ overrides: TIMES }));
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  const { alias } = await clients.stop();
  t.diagnostic(JSON.stringify(alias));
  assert.equal(settling, '2', 'by the old address, in the internal network');
  assert.equal(alias?.failed, 0, JSON.stringify(alias));
  assert.ok(alias.byVersion['2'], JSON.stringify(alias));
  assert.deepEqual(await tables(rolled), []);
});
