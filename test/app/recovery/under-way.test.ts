// A roll dies while the engine stops a container for it: the recovery must not take that container for a serving one.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { assertSafe } from '../../matrix/checks.ts';
import { SETUPS, type SetupName } from '../../matrix/setups.ts';
import { boxAt, command, recovered, stageOf } from '../../matrix/stage.ts';

const SLOWLY_MS = 5000;

suite('killed while the old container ends slowly, and recovered at once', () => {
  for (const name of ['stop-first', 'rehearsed', 'handover', 'start-first', '--rm'] satisfies SetupName[])
    test(name, async () => {
      const stage = await stageOf(SETUPS[name]);
      const old = boxAt(stage, 'web');
      assert.ok(old, 'it is there');
      old.app = { ...old.app, stopMs: SLOWLY_MS };
      const process = stage.open();
      process.crashAt('engine.stop', 1, 'answer lost');
      assert.equal(await command(stage, process), 'died');
      await recovered(stage, stage.open());
      const { clock } = stage.machine;
      await clock.run(clock.sleep(2 * SLOWLY_MS));
      assertSafe(stage, { memories: true, soon: true });
    });
});
