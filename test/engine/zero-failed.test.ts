// The promise itself: a service behind its network alias is rolled again and again, and no request fails.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';
import type { Ports } from '../../src/ports.ts';
import { kernelLayer } from '../../src/roll/kernel-layer.ts';
import { composeLabels, composeProject } from '../lab/compose.ts';
import { startLoadInside } from '../lab/load-inside.ts';
import { testWorld, untilHealthy } from '../lab/world.ts';
import { openApp, quickly, replicas, retag } from './compose-app.ts';

const LONG = process.env.SWAPCTL_TEST_LONG === '1';
const ROLLS = LONG ? 10 : 3;

// Ready two seconds after its start; until then its address is in the DNS and refuses connections.
const slow = { env: { READY_AFTER_MS: 2000, LISTEN: 'late' }, health: { startPeriodMs: 10_000 } };
// Kept connections end by the old app's own drain, so swapctl need not wait for long until they are idle.
const TIMES = { settle: '500ms', 'drain.timeout': '500ms' };

// Without it, a connection that the kernel has made and the old app not yet accepted is reset when that app stops.
const NEEDS_NFT = 'needs nft, in the network namespace of the engine';
const canGate = async (ports: Ports) => (await kernelLayer(ports)).available;

// A client that stalls on a busy machine may write to a kept connection in the moment in which the app ends it, which no roll
// can help: that is for a long run on a quiet machine.
for (const keepAlive of LONG ? ([false, 'mixed'] as const) : [false]) {
  test(`${ROLLS} rolls of two replicas under load, connections ${keepAlive ? 'kept and new' : 'new'}, lose no request`, async (t) => {
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

    for (let number = 1; number <= ROLLS; number++) {
      await retag(world, await world.image(`web:v${number}`, slow), reference);
      const [report] = await app.roll([`${project.name}/web`], quickly({ overrides: TIMES }));
      assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
    }
    const { failed, failures, requests, longestGapMs, byVersion } = await load.stop();
    t.diagnostic(
      `${requests} requests, ${failed} failed, longest gap ${longestGapMs} ms: ${JSON.stringify(byVersion)}`,
    );
    assert.deepEqual(failures, []);
    assert.ok(byVersion[`v${ROLLS}`], 'the last version has answered');
    assert.deepEqual(
      (await replicas(world, project)).map(({ version }) => version),
      [`v${ROLLS}`, `v${ROLLS}`],
    );
  });
}

test('a connection that is being made is one to wait for', async (t) => {
  const world = testWorld(t);
  const web = await world.container('web', { image: await world.image('app:1') });
  await untilHealthy(web);
  const { Id: id, State, NetworkSettings } = await web.inspect();
  const address = NetworkSettings.Networks.bridge?.IPAddress;
  const { ports, close } = await openApp(world);
  world.after(async () => close());
  if (!(await canGate(ports))) return t.skip(NEEDS_NFT);
  // Its last packet never arrives, as that of a connection made in the very moment of the look.
  const script = 'table inet hold { chain in { type filter hook input priority 0; tcp flags == ack drop; }; }';
  execFileSync('nsenter', [`--net=/proc/${State.Pid}/ns/net`, 'nft', script]);
  const socket = connect(8080, address);
  world.after(async () => socket.destroy());
  await once(socket, 'connect');
  assert.equal(await ports.traffic.connections({ id, pid: State.Pid }), 1);
});
