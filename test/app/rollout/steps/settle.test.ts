// A new container stops answering during its settle time: the old one takes its place back.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { SETUPS, type Setup } from '../../../matrix/setups.ts';
import { boxAt, type Stage, stageOf } from '../../../matrix/stage.ts';
import { answersAt } from '../../../memory/apps.ts';

// Three probes of settling fit into the settle time.
const OVERRIDES = { settle: '5s' };
const SICK_AFTER_MS = 1500;

/** Makes every container of the new image stop answering some time after it began to, while it keeps running. */
function sickenNewOnes({ machine, to }: Stage): void {
  machine.clock.watch(() => {
    const now = machine.clock.now();
    for (const box of machine.boxes.values())
      if (box.image.id === to && box.sickSince === Infinity && answersAt(box, now)) box.sickSince = now + SICK_AFTER_MS;
  });
}

async function rolledToSick(setup: Setup): Promise<void> {
  const stage = await stageOf(setup);
  sickenNewOnes(stage);
  const { app } = stage.open();
  const request = { signal: new AbortController().signal, overrides: OVERRIDES, pull: 'never' } as const;
  const [report] = await stage.machine.clock.run(app.roll([stage.service], request));
  assert.equal(report?.error?.code, 'not-healthy', JSON.stringify(report));
  const serving = boxAt(stage, stage.own[0] ?? '');
  assert.deepEqual([serving?.image.id, serving?.status], [stage.from, 'running']);
}

suite('a container that is no longer healthy in its settle time is replaced by the old one', () => {
  for (const name of ['start-first', 'stop-first', 'handover'] as const)
    for (const health of ['http', 'check'] as const)
      test(`${name}, told by ${health === 'http' ? 'a probe from outside' : "the image's check"}`, () =>
        rolledToSick({ ...SETUPS[name], health }));
});

test('the settle time ends when it is over, not with the next probe', async () => {
  const stage = await stageOf({ ...SETUPS['start-first'], health: 'http' });
  const { app, progress } = stage.open();
  const request = { signal: new AbortController().signal, overrides: { settle: '5300ms' }, pull: 'never' } as const;
  const [report] = await stage.machine.clock.run(app.roll([stage.service], request));
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  const settled = progress.flatMap((one) => (one.kind === 'done' && one.step.kind === 'settle' ? [one.ms] : []));
  // A probe every half second, plus some milliseconds for each observation.
  assert.equal(settled.length, 1);
  assert.ok((settled[0] ?? 0) <= 5350, `it took ${settled[0]} ms`);
});
