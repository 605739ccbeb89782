// One-shots of the tag of a service (`service_completed_successfully`), on an engine in memory: a roll runs them first.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { canonical, parseReference } from '../../../src/core/model/reference.ts';
import type { RecoveredItem } from '../../../src/core/report/status.ts';
import { command, recovered, type Stage, stageOf } from '../../matrix/stage.ts';
import { type App as Program, SOUND } from '../../memory/apps.ts';
import { inspected } from '../../memory/containers.ts';
import { nameImage } from '../../memory/images.ts';
import { add, COMPOSED, idOf, planOf, rolled } from '../composed.ts';

const NAME = 'shop-migrate-1';
const ending = (code: number, afterMs = 300): Program => ({
  ...SOUND,
  ends: { afterMs, code },
  prints: [`migrated with ${code}`, 'at postgres://app:hunter22@db/shop'],
});

/** A service and its one-shot, which ran with the old image; `newer`: the one-shot of the new image. */
async function shop(newer: Program): Promise<Stage> {
  const stage = await stageOf({ ...COMPOSED, waitsFor: 'migrate' });
  const { machine, from, to, follows } = stage;
  for (const [id, program] of [
    [from, ending(0, 10)],
    [to, newer],
  ] as const)
    Object.assign(machine.images.get(id) ?? {}, { app: { ...SOUND, commands: { migrate: program } } });
  nameImage(machine, from, follows);
  add(stage, 'migrate', { image: follows, command: ['migrate'], labels: { 'swapctl.health.timeout': '2s' } });
  await machine.clock.run(machine.clock.sleep(50));
  nameImage(machine, to, follows);
  return stage;
}

const seen = ({ machine }: Stage, service: string) => inspected(machine, `shop-${service}-1`);
const left = ({ machine }: Stage): string[] => [...machine.names.keys()].filter((name) => name.includes('.swapctl-'));

test('the one-shot runs to its end with the new image before the service is rolled, and once', async () => {
  const stage = await shop(ending(0));
  const before = idOf(stage, 'migrate');
  const plan = await planOf(stage);
  assert.deepEqual(plan.before, [
    `run ${NAME} with the new image to its end (depends_on: migrate, service_completed_successfully)`,
  ]);
  assert.deepEqual([plan.notDone, plan.sameTag], [undefined, undefined]);

  const process = stage.open();
  let untouched = false;
  process.before('engine.rename', 1, () => {
    untouched =
      seen(stage, 'web')?.imageId === stage.from &&
      ![...stage.machine.names.keys()].some((name) => name.endsWith('-next'));
  });
  const report = await rolled(stage, process);
  assert.equal(report.outcome, 'rolled', JSON.stringify(report));
  assert.ok(untouched, 'the service was rolled after it');
  assert.match(report.notes?.join() ?? '', /^shop-migrate-1 was run to its end with the new image \(0\.\d s\)$/);
  assert.deepEqual([report.notDone, report.sameTag], [undefined, undefined], 'docker compose up has nothing to do');
  const migrate = seen(stage, 'migrate');
  assert.deepEqual([migrate?.imageId, migrate?.status, migrate?.exitCode], [stage.to, 'exited', 0]);
  assert.notEqual(migrate?.id, before);
  assert.deepEqual(left(stage), []);

  assert.equal((await planOf(stage)).before, undefined);
});

suite('a one-shot that fails refuses the roll, and changes nothing:', () => {
  for (const [what, program, message] of [
    ['it ends with an error', ending(3), /failed with the new image: it ended with exit code 3$/],
    ['it cannot start', { ...SOUND, missing: true }, /failed with the new image: /],
    ['it does not end', SOUND, /failed with the new image: it did not end within 2\.0 s$/],
  ] as const)
    test(what, async () => {
      const stage = await shop(program);
      const before = ['web', 'migrate'].map((service) => idOf(stage, service));
      nameImage(stage.machine, stage.from, stage.follows);
      nameImage(stage.machine, stage.to, 'app:other');
      const { app } = stage.open();
      const target = { kind: 'digest', reference: undefined, digest: stage.to } as const;
      const request = { signal: new AbortController().signal, overrides: {}, pull: 'never', target } as const;
      const [report] = await stage.machine.clock.run(app.roll([stage.service], request));
      assert.equal(report?.error?.code, 'step-failed', JSON.stringify(report));
      assert.match(report.error.message, message);
      if (what === 'it ends with an error')
        assert.deepEqual(report.error.log, ['migrated with 3', 'at postgres://…@db/shop']);
      assert.deepEqual(
        ['web', 'migrate'].map((service) => idOf(stage, service)),
        before,
      );
      assert.equal(
        stage.machine.tags.get(canonical(parseReference(stage.follows))),
        stage.from,
        'the tag is where it was',
      );
      assert.deepEqual(left(stage), []);
    });
});

test('one that runs already is waited for by its user', async () => {
  const stage = await shop(ending(0));
  const { machine } = stage;
  const { start } = await import('../../memory/lifecycle.ts');
  Object.assign(machine.boxes.get(idOf(stage, 'migrate')) ?? {}, { app: SOUND });
  start(machine, idOf(stage, 'migrate'));
  const report = await rolled(stage);
  assert.equal(report.error?.code, 'busy');
  assert.match(report.error.message, /^shop-migrate-1, which has to end before this roll, is running$/);
});

test('a rollback runs none, and names it', async () => {
  const stage = await shop(ending(0));
  await rolled(stage);
  const migrated = idOf(stage, 'migrate');
  const { app } = stage.open();
  const back = await stage.machine.clock.run(
    app.rollback(stage.service, { signal: new AbortController().signal, overrides: {}, pull: 'never' }),
  );
  assert.equal(back.outcome, 'rolled-back', JSON.stringify(back));
  assert.equal(idOf(stage, 'migrate'), migrated);
  assert.match(back.notDone?.join() ?? '', /^not done by swapctl: migrate, of the same image/);
  assert.match(
    back.sameTag?.join() ?? '',
    /^shop-migrate-1 was created from app:live: docker compose up -d would re-create it with the image that the tag means now$/,
  );
});

suite('if swapctl dies', () => {
  const dies = async (stage: Stage, call: string, nth: number, when: 'before' | 'after'): Promise<void> => {
    const process = stage.open();
    process.crashAt(call, nth, when);
    assert.equal(await command(stage, process), 'died');
  };
  const moments = [
    ['while it runs', 'engine.wait', 1, 'before'],
    ['before it takes the place of the old one', 'engine.remove', 1, 'before'],
    ['between the two', 'engine.rename', 1, 'before'],
  ] as const;
  for (const [what, call, nth, when] of moments)
    test(`${what}, the next roll goes on with that run`, async () => {
      const stage = await shop(ending(0));
      await dies(stage, call, nth, when);
      await recovered(stage, stage.open());
      assert.equal(seen(stage, 'migrate') === undefined, false, 'recover leaves a container under its name');
      const report = await rolled(stage);
      assert.equal(report.outcome, 'rolled', JSON.stringify(report));
      const migrate = seen(stage, 'migrate');
      assert.deepEqual([migrate?.imageId, migrate?.exitCode], [stage.to, 0]);
      assert.deepEqual(left(stage), []);
    });

  test('a run that has ended is removed by recover, and the old container stays', async () => {
    const stage = await shop(ending(0));
    const before = idOf(stage, 'migrate');
    await dies(stage, 'engine.wait', 1, 'before');
    await stage.machine.clock.run(stage.machine.clock.sleep(1000));
    const items: readonly RecoveredItem[] = await recovered(stage, stage.open());
    assert.deepEqual(
      items.filter(({ found }) => found.endsWith('one-shot')).map(({ outcome }) => outcome),
      ['removed'],
    );
    assert.equal(idOf(stage, 'migrate'), before);
  });
});
