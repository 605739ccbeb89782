// A proxy that balances over all addresses of a name, from the moment that the engine's DNS tells them, and tries none a second time.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startLoadInside } from '../../lab/load-inside.ts';
import { testWorld, untilHealthy } from '../../lab/world.ts';
import { openApp, quickly } from '../compose-app.ts';
import { canGate, NEEDS_NFT } from '../roll/rolls-under-load.ts';

const ROLLS = 5;
const TIMES = { settle: '500ms', 'drain.timeout': '500ms' };
// It answers 503 until it is ready.
const slow = { env: { READY_AFTER_MS: 2000 }, health: { startPeriodMs: 10_000 } };

test(`${ROLLS} rolls of an app that is ready 2 s after its start lose no request at any of its addresses`, async (t) => {
  const world = testWorld(t);
  const network = await world.network('net');
  const web = await world.container('web', {
    image: await world.image('web:live', { version: '0', ...slow }),
    network,
    aliases: ['web'],
    env: { DRAIN: 1 },
  });
  const { app, ports, close } = await openApp(world);
  world.after(async () => close());
  if (!(await canGate(ports))) return t.skip(NEEDS_NFT);
  await untilHealthy(web);
  const load = await startLoadInside(world, {
    network,
    url: 'http://web:8080/',
    byName: 'in turn',
    ratePerSecond: 200,
    keepAlive: false,
    connectTimeoutMs: 60_000,
  });
  for (let number = 1; number <= ROLLS; number++) {
    await world.image('web:live', { version: String(number), ...slow });
    const [report] = await app.roll([world.name('web')], quickly({ overrides: TIMES }));
    assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  }
  const { failed, failures, requests, longestGapMs, byVersion, timeline } = await load.stop();
  const slowest = Math.max(...timeline.map(({ tookMs }) => tookMs));
  t.diagnostic(
    `${requests} requests, ${failed} failed, longest gap ${longestGapMs} ms, slowest ${slowest} ms: ${JSON.stringify(byVersion)}`,
  );
  assert.deepEqual(failures, []);
  assert.ok(byVersion[String(ROLLS)], 'the last version has answered');
});
