// Another process tries to roll a service while a live one holds its lock.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import { assertSafe } from '../../matrix/checks.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { command, rollAgain, type Stage, stageOf } from '../../matrix/stage.ts';
import type { Process } from '../../memory/process.ts';

// Longer than others watch a lock with an unknown holder, and shorter than they watch a live holder's.
const SUSPENDED_MS = 20_000;

/** Suspends a first roll before it creates its container, and lets a second one try; resolves with both results. */
async function rollTwice(
  stage: Stage,
  first: Process,
  second: () => Promise<ServiceReport | 'died'>,
): Promise<(string | undefined)[]> {
  const ends: (ServiceReport | 'died')[] = [];
  first.before('engine.create', 2, async () => void ends.push(await second()));
  ends.push(await command(stage, first));
  return ends.map((end) => (end === 'died' ? end : (end.error?.code ?? end.outcome)));
}

const another = (stage: Stage) => (): Promise<ServiceReport | 'died'> => rollAgain(stage, stage.open());

suite('the lock of a living process is not taken over', () => {
  test('on the same machine', async () => {
    const stage = await stageOf(SETUPS['start-first']);
    assert.deepEqual(await rollTwice(stage, stage.open(), another(stage)), ['busy', 'rolled']);
    assert.equal(assertSafe(stage, { memories: true }), stage.to);
  });

  test('in the same process', async () => {
    const stage = await stageOf(SETUPS['start-first']);
    const process = stage.open();
    const options = { signal: new AbortController().signal, overrides: {}, pull: 'never' } as const;
    const second = async (): Promise<ServiceReport> => {
      const [report] = await process.app.roll([stage.service], options);
      return report ?? assert.fail('no report');
    };
    assert.deepEqual(await rollTwice(stage, process, second), ['busy', 'rolled']);
    assert.equal(assertSafe(stage, { memories: true }), stage.to);
  });

  test('on another machine, which only its beats tell', async () => {
    const stage = await stageOf(SETUPS['start-first']);
    assert.deepEqual(await rollTwice(stage, stage.open({ remote: true }), another(stage)), ['busy', 'rolled']);
    assert.equal(assertSafe(stage, { memories: true }), stage.to);
  });

  test('on the same machine, whose beats come late', async () => {
    const stage = await stageOf(SETUPS['start-first']);
    const { clock } = stage.machine;
    const first = stage.open();
    first.before('engine.setRestart', 1, () => clock.sleep(2 * SUSPENDED_MS));
    const ends = await rollTwice(stage, first, async () => {
      await clock.sleep(SUSPENDED_MS);
      return another(stage)();
    });
    assert.deepEqual(ends, ['busy', 'rolled']);
    assert.equal(assertSafe(stage, { memories: true }), stage.to);
  });
});
