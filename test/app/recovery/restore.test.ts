// Restored files are compared with the backup.
import assert from 'node:assert/strict';
import test from 'node:test';
import { SETUPS } from '../../matrix/setups.ts';
import { command, type Stage, stageOf } from '../../matrix/stage.ts';
import { remove } from '../../memory/containers.ts';
import type { Process } from '../../memory/process.ts';

/** Changes the backup after the roll has made it and before it is restored. */
function spoilCopies({ machine }: Stage, process: Process, spoil: (files: Map<string, string>) => void): void {
  process.before('engine.folderSize', 1, () => {
    const copies = [...machine.volumes.values()].filter(({ name }) => name.includes('.swapctl-backup'));
    assert.ok(copies.length > 0, 'there are copies');
    for (const { files } of copies) spoil(files);
  });
}

const SPOILED: readonly (readonly [string, (files: Map<string, string>) => void])[] = [
  ['a file less', (files) => files.delete([...files.keys()][0] ?? '')],
  ['a file more', (files) => files.set('more', '')],
  ['a file that is shorter', (files) => files.set([...files.keys()][0] ?? '', '')],
];

for (const [what, spoil] of SPOILED)
  test(`the old container is not started on ${what} than was copied`, async () => {
    const stage = await stageOf(SETUPS['copied, bad image']);
    const process = stage.open();
    spoilCopies(stage, process, spoil);
    const report = await command(stage, process);
    if (report === 'died') assert.fail('it did not come to an end');
    assert.equal(report.error?.code, 'attention', JSON.stringify(report));
    assert.match(report.error.message, /the backup of data-1 has \d+ files of \d+ bytes, but \d+ of \d+ were restored/);
    assert.match(report.error.hint ?? '', /does not start the old container, since the volume may be incomplete/);
    const running = [...stage.machine.boxes.values()].filter(({ status }) => status === 'running');
    assert.deepEqual(running, [], 'nobody writes to the volume');
  });

test('a rollback says how to restore the copies of a backup whose mark a prune has removed', async () => {
  const stage = await stageOf(SETUPS['rollback with volumes']);
  const marks = [...stage.machine.boxes.values()].filter(({ name }) => name.includes('.swapctl-backup-'));
  assert.equal(marks.length, 1);
  for (const mark of marks) remove(stage.machine, mark, { force: true, volumes: false });
  const report = await command(stage, stage.open());
  if (report === 'died') assert.fail('it did not come to an end');
  assert.equal(report.error?.code, 'no-history', JSON.stringify(report));
  assert.match(
    report.error.hint ?? '',
    /^there are copies without the container .*: docker run --rm -v data-1\.swapctl-backup-\w+:\/from:ro -v data-1:\/to busybox /,
  );
});
