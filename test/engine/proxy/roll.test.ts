// The program from a user's view, with a driven proxy in a container.
import assert from 'node:assert/strict';
import test from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { drivenProxy, KINDS } from '../../lab/driven-proxies.ts';
import { startLoad } from '../../lab/load.ts';
import { proxyScene } from '../../lab/proxy-scene.ts';
import { ownNames } from '../roll/roll-world.ts';

for (const kind of KINDS) {
  const { driver: name, skip } = drivenProxy(kind);
  test(`a service behind ${kind} is rolled, and no request fails`, { skip }, async (t) => {
    const { world, driver, url, files, image } = await proxyScene(t, kind);
    const before = await files();
    const plan = await swapctl(['plan', world.name('web'), '--image', await image('2')], { env: world.env });
    assert.equal(plan.code, 0, plan.stderr);
    assert.match(plan.stdout, new RegExp(`${name}:${world.name('edge')}`));
    t.diagnostic(plan.stdout);
    const { keepsIdleClients } = await driver.facts(t.signal, 'web');
    const load = startLoad({ url, ratePerSecond: 100, keepAlive: keepsIdleClients ? 'mixed' : false });
    await load.until(50, '1');
    const args = ['roll', world.name('web'), '--image', world.name('web:2'), '--settle', '500ms', '--json'];
    const roll = await swapctl(args, { env: world.env });
    assert.equal(roll.code, 0, `${roll.stderr}${roll.stdout}`);
    assert.equal(roll.json().outcome, 'rolled');
    await load.until(50, '2');
    const { failures, requests, longestGapMs } = await load.stop();
    t.diagnostic(`${requests} requests, longest gap ${longestGapMs} ms`);
    assert.deepEqual(failures, []);
    assert.equal(await files(), before);
    assert.deepEqual((await driver.route('web', t.signal))?.wanted, { kind: 'baseline' });
    assert.deepEqual(await ownNames(world), [world.name('edge'), world.name('web')].sort());
  });
}
