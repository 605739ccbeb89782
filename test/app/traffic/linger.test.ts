// The time for which new connections to the old container's address are redirected after its end.
import assert from 'node:assert/strict';
import test from 'node:test';
import { SETUPS } from '../../matrix/setups.ts';
import { command, type Stage, stageOf } from '../../matrix/stage.ts';
import { IDLE } from '../../memory/apps.ts';
import { connect } from '../../memory/clients.ts';
import { create } from '../../memory/containers.ts';
import { build } from '../../memory/images.ts';
import { start } from '../../memory/lifecycle.ts';
import { boxOf } from '../../memory/machine.ts';
import type { Process } from '../../memory/process.ts';

/** Connects one client to the old address as soon as it is redirected to the new container. */
function useRedirect({ machine, place, ways: [way], to }: Stage): void {
  let used = false;
  machine.clock.watch(() => {
    const isThere = place.rules.forwards.some((rule) => boxOf(machine, rule.to)?.image.id === to);
    if (used || !way || !isThere) return;
    used = connect(machine, place.rules, way) !== undefined;
  });
}

/** The time by which the redirect outlived the old container, in milliseconds. */
async function lingered(stage: Stage, process: Process): Promise<number> {
  const { clock, boxes } = stage.machine;
  const [old = ''] = stage.before.values();
  let goneAt: number | undefined;
  let endedAt: number | undefined;
  clock.watch(() => {
    if (boxes.get(old)?.status !== 'running') goneAt ??= clock.now();
  });
  process.before('kernel.endAddressRedirect', 1, () => {
    endedAt = clock.now();
  });
  const report = await command(stage, process);
  assert.equal(report === 'died' ? report : report.outcome, 'rolled');
  return (endedAt ?? assert.fail('there was no redirect')) - (goneAt ?? assert.fail('the old one runs'));
}

test('where clients used the old address, it leads on for two seconds', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  useRedirect(stage);
  const ms = await lingered(stage, stage.open());
  assert.ok(ms >= 1900 && ms < 2500, `${ms} ms`);
});

test('where nobody used it, the roll does not wait', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const ms = await lingered(stage, stage.open());
  assert.ok(ms < 500, `${ms} ms`);
});

test('it leads no further once the engine has given the address to another container', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  useRedirect(stage);
  giveAddressAway(stage);
  const ms = await lingered(stage, stage.open());
  assert.ok(ms < 500, `${ms} ms`);
});

/** As soon as the old container has ended, another container gets its address. */
function giveAddressAway({ machine, before }: Stage): void {
  const [old = ''] = before.values();
  const { Aliases, ...endpoint } = machine.boxes.get(old)?.networks.net ?? assert.fail('it has no address');
  let given = false;
  machine.clock.watch(() => {
    if (given || machine.boxes.get(old)?.status === 'running') return;
    given = true;
    build(machine, 'other:1', { app: IDLE });
    const id = create(machine, { name: 'other', config: { Image: 'other:1' }, host: {}, networks: {} });
    start(machine, id);
    const box = machine.boxes.get(id) ?? assert.fail();
    box.networks = { net: endpoint };
    machine.version++;
  });
}
