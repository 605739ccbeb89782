// swapctl.gate: true blocks clients from a new container until it is healthy.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { SETUPS } from '../../matrix/setups.ts';
import { stageOf } from '../../matrix/stage.ts';

/** The number of times a roll holds the addresses of a starting container. */
async function holds(setup: 'start-first' | 'handover', gate: string): Promise<number> {
  const stage = await stageOf(SETUPS[setup]);
  const process = stage.open();
  const request = { signal: new AbortController().signal, overrides: { gate }, pull: 'never' } as const;
  const [report] = await stage.machine.clock.run(process.app.roll([stage.service], request));
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  return process.calls.filter(({ what }) => what === 'kernel.hold').length;
}

for (const setup of ['start-first', 'handover'] as const)
  suite(setup, () => {
    test('clients do not reach the new container before it is healthy', async () => {
      assert.notEqual(await holds(setup, 'true'), 0);
    });

    test('they do with swapctl.gate=false', async () => {
      assert.equal(await holds(setup, 'false'), 0);
    });
  });
