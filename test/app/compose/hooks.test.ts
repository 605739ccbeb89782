// Compose's post_start and pre_stop around a roll, on an engine in memory.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { Setup } from '../../matrix/setups.ts';
import { command, recovered, type Stage, stageOf } from '../../matrix/stage.ts';
import type { Process } from '../../memory/process.ts';
import { COMPOSED, planOf, rolled } from '../composed.ts';

const START = ['sh', '-c', 'echo started'];
const STOP = ['sh', '-c', 'echo stopping'];

async function shop(hooks: object, setup: Partial<Setup> = {}): Promise<Stage> {
  const stage = await stageOf({ ...COMPOSED, ...setup });
  Object.assign(stage.place, { yaml: { services: { web: hooks } } });
  return stage;
}

/** A process that writes down in which images its hooks run, with what ran there: `new started`. */
function watched(stage: Stage): { process: Process; ran: string[] } {
  const process = stage.open();
  const ran: string[] = [];
  const { engine } = process.ports;
  const { exec } = engine;
  Object.assign(engine, {
    exec: (...args: Parameters<typeof exec>) => {
      const [id, words] = args;
      const image = stage.machine.boxes.get(id)?.image.id === stage.to ? 'new' : 'old';
      if (words[0] === 'sh') ran.push(`${image} ${words[2]?.replace(/^echo /, '')}`);
      return exec(...args);
    },
  });
  return { process, ran };
}

test('post_start runs in the new container before it takes over, pre_stop in the old one before its stop', async () => {
  const stage = await shop({ post_start: [{ command: START }], pre_stop: [{ command: STOP }] });
  const note = "compose's hooks of web: post_start (1 command) after each start, pre_stop (1 command) before each stop";
  const plan = await planOf(stage);
  assert.deepEqual([plan.notDone, plan.slots[0]?.notes], [undefined, [note]]);
  const { process, ran } = watched(stage);
  process.before('engine.rename', 1, () => assert.deepEqual(ran, ['new started']));
  process.before('engine.stop', 1, () => assert.deepEqual(ran, ['new started', 'old stopping']));
  const report = await rolled(stage, process);
  assert.equal(report.outcome, 'rolled', JSON.stringify(report));
  assert.deepEqual(ran, ['new started', 'old stopping']);
  assert.deepEqual([report.notDone, report.notes], [undefined, [note]]);
});

test('with stop-first as well', async () => {
  const stage = await shop(
    { post_start: [{ command: START }], pre_stop: [{ command: STOP }] },
    { strategy: 'stop-first', volume: true },
  );
  const { process, ran } = watched(stage);
  assert.equal((await rolled(stage, process)).outcome, 'rolled');
  assert.deepEqual(ran, ['old stopping', 'new started']);
});

suite('a command that fails', () => {
  const FAILS = ['sh', '-c', 'echo denied; exit 4'];
  for (const strategy of ['start-first', 'stop-first'] as const)
    test(`of post_start takes the roll back (${strategy})`, async () => {
      const stage = await shop({ post_start: [{ command: FAILS }] }, { strategy, volume: strategy === 'stop-first' });
      const report = await rolled(stage);
      assert.equal(report.error?.code, 'step-failed', JSON.stringify(report));
      assert.match(report.error.message, /post_start failed: sh ended with 4: denied$/);
      const web = stage.machine.names.get('shop-web-1');
      assert.deepEqual([web?.image.id, web?.status], [stage.from, 'running']);
    });

  test('of pre_stop is a note', async () => {
    const stage = await shop({ pre_stop: [{ command: FAILS }] });
    const report = await rolled(stage);
    assert.equal(report.outcome, 'rolled');
    assert.match(report.notes?.join() ?? '', /pre_stop failed: sh ended with 4: denied/);
  });
});

test('after a death before the health check, recover runs post_start in the container that takes over', async () => {
  const stage = await shop({ post_start: [{ command: START }] }, { strategy: 'stop-first', volume: true });
  const dying = stage.open();
  dying.crashAt('engine.exec', 1, 'before');
  assert.equal(await command(stage, dying), 'died');
  const { process, ran } = watched(stage);
  await recovered(stage, process);
  const web = stage.machine.names.get('shop-web-1');
  const expected = web?.image.id === stage.to ? ['new started'] : ['old started'];
  assert.deepEqual(ran, expected);
});
