// swapctl dies while the gate redirects: the old container keeps answering at its own address and at the new one's, the rules end by
// themselves, and a recovery leaves nothing.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertNothingLeft, startService } from '../../engine/traffic/handover-world.ts';
import { swapctl } from '../../lab/cli.ts';
import { engineUnderTest, isPodman } from '../../lab/engine.ts';
import { addressRedirectTables, nft } from '../../lab/host-state.ts';
import { startLoadInside } from '../../lab/load-inside.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, type World } from '../../lab/world.ts';

test('a swapctl that dies while the gate redirects leaves rules that end by themselves', async (t) => {
  if (await isPodman(engineUnderTest().docker)) return t.skip('Podman runs no health checks here');
  const world = testWorld(t);
  const network = await world.network('net');
  // The time for which recovery waits for the new container.
  const labels = { 'swapctl.health.timeout': '10s' };
  const web = await startService(world, 'web', { network, aliases: ['web'], env: { DRAIN: 1 }, labels });
  await web.publish('2', { env: { READY_AFTER_MS: 3_600_000 }, health: { startPeriodMs: 3_600_000 } });
  const load = await startLoadInside(world, {
    network,
    url: 'http://web:8080/',
    byName: 'in turn',
    ratePerSecond: 50,
    keepAlive: false,
  });
  const candidate = `${web.name}.swapctl-next`;
  await killedWhileItWaits(world, web.name, candidate);
  const { Id } = await world.docker.getContainer(candidate).inspect();
  assert.ok(addressRedirectTables(world, Id).length > 0, 'the gate redirects');
  const { failures, byVersion } = await load.stop();
  assert.deepEqual(failures, []);
  assert.deepEqual(Object.keys(byVersion), ['1']);
  await eventually('nothing is redirected any more', async () => !redirects(world, Id));
  const { stdout, json } = await swapctl(['recover', web.name, '--json'], { env: world.env, netns: world.netns });
  const items: { slot: string; outcome: string }[] = json();
  const ofSlot = items.filter(({ slot }) => slot === web.name).map(({ outcome }) => outcome);
  assert.deepEqual(ofSlot, ['undone'], stdout);
  assert.deepEqual(addressRedirectTables(world, Id), []);
  assert.ok(!nft(world.netns, 'list', 'tables').includes(`swapctl-hold-${Id.slice(0, 12)}`));
  await assertNothingLeft(world, web.name);
});

async function killedWhileItWaits(world: World, name: string, candidate: string): Promise<void> {
  let said = '';
  const { endedBy, stderr } = await swapctl(['roll', name, '--pull', 'never'], {
    env: world.env,
    netns: world.netns,
    onStderr: (text, kill) => {
      said += text;
      if (said.includes(`${name}: wait until ${candidate} is healthy\n`)) kill('SIGKILL');
    },
  });
  assert.equal(endedBy, 'SIGKILL', stderr);
}

function redirects(world: World, from: string): boolean {
  return addressRedirectTables(world, from).some(({ family, table }) =>
    / expires /.test(nft(world.netns, 'list', 'set', family, table, 'live_ip')),
  );
}
