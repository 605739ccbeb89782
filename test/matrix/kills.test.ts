// swapctl dies at any call of a roll, before it, after it, or before its answer; the recovery finishes or undoes the roll.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { CallMade, Death } from '../memory/process.ts';
import { courseOf, tryCell } from './cell.ts';
import { SETUPS, type SetupName } from './setups.ts';

const TRIED: readonly SetupName[] = ['start-first'];

/** A call that only looks changes nothing, so its answer makes no difference to a process that comes later. */
function deathsAt({ changes }: CallMade): readonly Death[] {
  return changes ? ['before', 'after', 'answer lost'] : ['before'];
}

for (const setup of TRIED)
  test(`${setup}: a kill at any call loses nothing`, async (t) => {
    const calls = await courseOf(SETUPS[setup]);
    let tried = 0;
    for (const [before, call] of calls.entries())
      for (const when of deathsAt(call)) {
        const result = await tryCell({ setup, trouble: { kind: 'kill', at: before + 1, when, by: 'recover' } });
        assert.ok(result.safe, `${call.what}, ${when}: ${result.safe || result.why}`);
        tried++;
      }
    t.diagnostic(`${tried} kills`);
  });
