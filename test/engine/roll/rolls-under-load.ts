// The main guarantee: a service behind its network alias is rolled again and again, and no request fails.
import assert from 'node:assert/strict';
import test from 'node:test';
import { composeLabels, composeProject } from '../../lab/compose.ts';
import { startLoadInside } from '../../lab/load-inside.ts';
import { testWorld } from '../../lab/world.ts';
import { openApp, quickly, replicas, retag } from '../compose-app.ts';
import { canGate, NEEDS_NFT } from './can-gate.ts';

// Ready two seconds after its start; until then its address is in the DNS and refuses connections.
const slow = { env: { READY_AFTER_MS: 2000, LISTEN: 'late' }, health: { startPeriodMs: 10_000 } };
// Kept connections end by the old app's own drain, so swapctl need not wait for long until they are idle.
const TIMES = { settle: '500ms', 'drain.timeout': '500ms' };

/** Defines the test: a number of consecutive rolls. */
export function rollsUnderLoad(rolls: number, keepAlive: false | 'mixed'): void {
  test(`${rolls} ${rolls === 1 ? 'roll' : 'rolls'} of two replicas under load, connections ${keepAlive ? 'kept and new' : 'new'}, lose${rolls === 1 ? 's' : ''} no request`, async (t) => {
    const world = testWorld(t);
    const reference = await world.image('web:0', slow);
    const web = `{ image: '${reference}', labels: ${composeLabels(world)}, scale: 2 }`;
    const project = composeProject(world, `services: { web: ${web} }`);
    await project.run('up', '--detach', '--wait');
    const { app, ports, close } = await openApp(world);
    world.after(async () => close());
    if (!(await canGate(ports))) return t.skip(NEEDS_NFT);
    const url = 'http://web:8080/';
    const load = await startLoadInside(world, {
      network: `${project.name}_default`,
      url,
      ratePerSecond: 200,
      keepAlive,
    });

    for (let number = 1; number <= rolls; number++) {
      await retag(world, await world.image(`web:v${number}`, slow), reference);
      const [report] = await app.roll([`${project.name}/web`], quickly({ overrides: TIMES }));
      assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
    }
    await load.answeredBy(`v${rolls}`);
    const { failed, failures, requests, longestGapMs, byVersion } = await load.stop();
    t.diagnostic(
      `${requests} requests, ${failed} failed, longest gap ${longestGapMs} ms: ${JSON.stringify(byVersion)}`,
    );
    assert.deepEqual(failures, []);
    assert.ok(byVersion[`v${rolls}`], 'the last version has answered');
    assert.deepEqual(
      (await replicas(world, project)).map(({ version }) => version),
      [`v${rolls}`, `v${rolls}`],
    );
  });
}
