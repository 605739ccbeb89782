// The contract of the Swarm port on the Swarm in memory; test/full/swarm/contract.ts has it on a real one.
import assert from 'node:assert/strict';
import test from 'node:test';
import { virtualClock } from '../memory/clock.ts';
import { DEFAULT_UPDATE, memorySwarm, NOT_MODELLED } from '../memory/swarm.ts';
import { type Stage, swarmContract } from './swarm.ts';

const IMAGES = { first: 'app:1', good: 'app:2', ends: 'app:bad' };

async function open(): Promise<Stage> {
  const clock = virtualClock(Date.UTC(2026, 0, 1));
  const swarm = memorySwarm(clock);
  swarm.behaviours.set(IMAGES.ends, { kind: 'ends', exitCode: 3 });
  swarm.add('web', { image: IMAGES.first, updateConfig: { ...DEFAULT_UPDATE, monitorMs: 1000 } });
  await clock.run(clock.sleep(2000));
  return {
    swarm: swarm.port,
    service: 'web',
    images: IMAGES,
    config: 'mine',
    label: 'of=mine',
    until: async (what, ask) => {
      for (let tries = 0; tries < 1000; tries++) {
        if (await ask()) return;
        await clock.run(clock.sleep(100));
      }
      assert.fail(what);
    },
  };
}

swarmContract('in memory', open);

test('what the Swarm in memory does not model is written down', (t) => {
  for (const line of NOT_MODELLED) t.diagnostic(`not modelled: ${line}`);
});
