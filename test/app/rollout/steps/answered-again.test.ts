// A stop-first roll is undone: it ends once the old container answers again, and reports the length of the gap.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertAnswered, assertTrue } from '../../../matrix/checks.ts';
import { SETUPS } from '../../../matrix/setups.ts';
import { command, stageOf } from '../../../matrix/stage.ts';

const SETUP = SETUPS['--rm, bad image'];

/** The calls of a roll from its last start on, which is that of the old image's container. */
async function callsOnTheWayBack(): Promise<number[]> {
  const stage = await stageOf(SETUP);
  const process = stage.open();
  await command(stage, process);
  const kinds = process.calls.map(({ what }) => what);
  const last = kinds.lastIndexOf('engine.start') + 1;
  return Array.from({ length: kinds.length - last + 1 }, (_, nth) => last + nth);
}

test('an interruption does not cut short the wait for the old image to answer', async (t) => {
  const calls = await callsOnTheWayBack();
  for (const at of calls) {
    const stage = await stageOf(SETUP);
    const interrupt = new AbortController();
    const process = stage.open();
    process.before(undefined, at, () => interrupt.abort());
    const report = await command(stage, process, interrupt.signal);
    assert.ok(report !== 'died', 'it came to an end');
    assertTrue(stage, report);
    assertAnswered(stage, report);
  }
  t.diagnostic(`${calls.length} calls`);
});
