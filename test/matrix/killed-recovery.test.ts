// The next recovery completes one that was killed after any of its changes.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { courseOf, trySetup } from './cell.ts';
import { SETUPS, type SetupName } from './setups.ts';
import { command, recovered, stageOf } from './stage.ts';

const RENAMING: readonly SetupName[] = ['start-first', 'handover', 'told'];

suite('a recovery that is killed is recovered', () => {
  for (const name of RENAMING)
    test(name, async () => {
      const course = await courseOf(SETUPS[name]);
      const at = course.findIndex(({ what }) => what === 'engine.rename') + 1;
      const changes = await changesOfRecovery(name, at);
      assert.ok(at > 0 && changes.length > 3, `it renames at ${at}, and its recovery changes ${changes.length} times`);
      for (const change of changes) {
        const again = [change];
        const result = await trySetup(SETUPS[name], { kind: 'kill', at, when: 'before', by: 'recover', again });
        assert.ok(result.safe, `at call ${change} of the recovery: ${result.safe ? '' : result.why}`);
      }
    });
});

/** The changing calls, from 1, in the recovery of a roll that was killed at a call. */
async function changesOfRecovery(name: SetupName, at: number): Promise<number[]> {
  const stage = await stageOf(SETUPS[name]);
  const process = stage.open();
  process.crashAt(undefined, at, 'before');
  assert.equal(await command(stage, process), 'died');
  const recovering = stage.open();
  await recovered(stage, recovering);
  return recovering.calls.flatMap(({ changes }, before) => (changes ? [before + 1] : []));
}
