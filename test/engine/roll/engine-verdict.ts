// A proxy that reads labels routes to containers that the engine calls healthy, which is long after swapctl's own probe.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Progress } from '../../../src/core/report/progress.ts';
import { slotNames } from '../../../src/core/service/names.ts';
import { testWorld, untilHealthy } from '../../lab/world.ts';
import { openApp, quickly } from '../compose-app.ts';
import { fixedPort } from '../traffic/handover-world.ts';
import { canGate, NEEDS_NFT } from './can-gate.ts';

export interface Case {
  readonly strategy: 'start-first' | 'handover';
  readonly engine: 'auto' | 'false';
  readonly intervalMs: number;
  /** The engine's verdict on the other serving container, at each drain. */
  readonly expected: readonly string[];
}

/** Defines the test of one case. */
export function engineVerdict({ strategy, engine, intervalMs, expected }: Case): void {
  test(`${strategy}, swapctl.health.engine=${engine}: a container is drained while the engine calls the other ${expected[0]}`, async (t) => {
    const world = testWorld(t);
    const image = await world.image('web:live', { from: 'httpd', version: '1', health: { intervalMs } });
    const web = await world.container('web', {
      image,
      network: await world.network('net'),
      labels: { 'traefik.enable': 'true' },
      ...(strategy === 'handover' && { ports: [{ host: await fixedPort() }] }),
    });
    if (engine === 'auto') await untilHealthy(web);
    await world.image('web:live', { from: 'httpd', version: '2', health: { intervalMs } });
    const { slotName, standIn } = slotNames(world.name('web'));
    const health: Promise<string | undefined>[] = [];
    const { app, ports, close } = await openApp(world, (progress: Progress) => {
      if (progress.kind !== 'step' || progress.step.kind !== 'drain') return;
      const beside = strategy === 'handover' && progress.step.name === slotName ? standIn : slotName;
      health.push(
        world.docker
          .getContainer(beside)
          .inspect()
          .then(({ State }) => State.Health?.Status),
      );
    });
    world.after(async () => close());
    if (strategy === 'handover' && !(await canGate(ports))) return t.skip(NEEDS_NFT);
    const [report] = await app.roll([slotName], quickly({ overrides: { strategy, 'health.engine': engine } }));
    assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
    assert.deepEqual(await Promise.all(health), expected);
  });
}
