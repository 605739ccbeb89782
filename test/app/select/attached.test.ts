// A docker run that still shows the container in a terminal ends with the old container: a roll notes that before and after.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { Container } from '../../../src/core/model/container.ts';
import { attachedNote } from '../../../src/core/service/attached.ts';
import { container } from '../../core/builders.ts';
import { own } from '../../core/own.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { boxAt, stageOf } from '../../matrix/stage.ts';

const REQUEST = { signal: new AbortController().signal, overrides: {}, pull: 'never' } as const;
const ATTACHED = { AttachStdout: true, AttachStderr: true };

test('the plan and the report have it, and those of the next roll have not', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const box = boxAt(stage, 'web') ?? assert.fail('it is there');
  Object.assign(box.config, ATTACHED);
  const { app } = stage.open();
  const { clock } = stage.machine;
  const note = /^the old container was not started with --detach: if its docker run still waits/;
  const [plan] = await clock.run(app.plan([stage.service], REQUEST));
  assert.match(plan?.slots[0]?.notes?.[0] ?? '', note);
  const [report] = await clock.run(app.roll([stage.service], REQUEST));
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  assert.match(report.notes?.[0] ?? '', note);
  assert.equal(boxAt(stage, 'web')?.config.AttachStdout, true, 'the new container is set up as the old one');
  const [again] = await clock.run(app.roll([stage.service], { ...REQUEST, force: true }));
  assert.deepEqual([again?.outcome, again?.notes], ['rolled', undefined]);
});

suite('a docker run may still wait', () => {
  const started = { createdAt: 1000, startedAt: 1500 };
  const table: [string, Partial<Container>, Record<string, string>, boolean][] = [
    ['for one that it created and started', { config: ATTACHED, ...started }, {}, true],
    ['for one whose errors alone it shows', { config: { AttachStderr: true }, ...started }, {}, true],
    ['but not with --detach', { config: { AttachStdout: false, AttachStderr: false }, ...started }, {}, false],
    ['but not once it was started again', { config: ATTACHED, createdAt: 1000, startedAt: 60_000 }, {}, false],
    ['but not for one of compose', { config: ATTACHED, ...started }, { 'com.docker.compose.config-hash': 'x' }, false],
  ];
  for (const [what, change, labels, waits] of table)
    test(what, () => assert.equal(attachedNote(container(change), own(labels)) !== undefined, waits));
});
