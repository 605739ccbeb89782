import assert from 'node:assert/strict';
import test from 'node:test';
import { SETUPS } from '../../matrix/setups.ts';
import { boxAt, stageOf } from '../../matrix/stage.ts';

const REQUEST = { signal: new AbortController().signal, overrides: {}, pull: 'never' } as const;

test('a plan names a check that the old container may answer, unless that one has stopped by then', async () => {
  for (const [setup, count] of [
    [SETUPS['start-first'], 1],
    [SETUPS['stop-first'], 0],
  ] as const) {
    const stage = await stageOf({ ...setup, health: 'check', rehearsal: false });
    const box = boxAt(stage, 'web') ?? assert.fail('it is there');
    box.config.Healthcheck = { Test: ['CMD', 'wget', 'http://app:8080/'] };
    const { app } = stage.open();
    const [plan] = await stage.machine.clock.run(app.plan([stage.service], REQUEST));
    const notes = plan?.slots[0]?.notes ?? [];
    assert.equal(notes.filter((note) => note.startsWith('the health check asks app,')).length, count, notes.join());
  }
});
