// A proxy that reads labels routes to what the engine calls healthy, which is long after swapctl's own probe.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Progress } from '../../../src/core/progress.ts';
import { testWorld, untilHealthy } from '../../lab/world.ts';
import { openApp, quickly } from '../compose-app.ts';

// The second check would not come within any test.
for (const [engine, intervalMs, expected] of [
  ['auto', 5000, 'healthy'],
  ['false', 3_600_000, 'starting'],
] as const)
  test(`swapctl.health.engine=${engine}: the old container is drained while the engine calls the new one ${expected}`, async (t) => {
    const world = testWorld(t);
    const image = await world.image('web:live', { from: 'httpd', version: '1', health: { intervalMs } });
    const labels = { 'traefik.enable': 'true' };
    const web = await world.container('web', { image, network: await world.network('net'), labels });
    if (engine === 'auto') await untilHealthy(web);
    await world.image('web:live', { from: 'httpd', version: '2', health: { intervalMs } });
    const health: Promise<string | undefined>[] = [];
    const { app, close } = await openApp(world, (progress: Progress) => {
      if (progress.kind !== 'step' || progress.step.kind !== 'drain') return;
      const candidate = world.docker.getContainer(world.name('web')).inspect();
      health.push(candidate.then(({ State }) => State.Health?.Status));
    });
    world.after(async () => close());
    const [report] = await app.roll([world.name('web')], quickly({ overrides: { 'health.engine': engine } }));
    assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
    assert.deepEqual(await Promise.all(health), [expected]);
  });
