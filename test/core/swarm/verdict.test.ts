// The verdict on the update of a Swarm service, state by state.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { describeFailure, failuresOf, isImagesFault, judgeBack, judgeRoll } from '../../../src/core/swarm/verdict.ts';
import { NEW, OLD, seen, service, task } from './builders.ts';

const AIM = { from: OLD, to: NEW, since: 100 };
const running = [task({ slot: 1, image: NEW }), task({ slot: 2, image: NEW })];
const failed = task({
  slot: 1,
  image: NEW,
  state: 'failed',
  desired: 'shutdown',
  exitCode: 3,
  error: 'task: non-zero exit (3)',
});

suite('the way forward', () => {
  test('no update status right after the update is no end', () => {
    const tasks = [task({ slot: 1, image: OLD }), task({ slot: 2, image: OLD })];
    assert.equal(judgeRoll(seen({ image: NEW }, tasks), AIM).kind, 'waiting');
  });

  test('all tasks run the new image, and Swarm has ended', () => {
    assert.equal(judgeRoll(seen({ image: NEW, update: updated('completed') }, running), AIM).kind, 'running');
    assert.equal(judgeRoll(seen({ image: NEW }, running), AIM).kind, 'running');
    assert.equal(judgeRoll(seen({ image: NEW, update: updated('updating') }, running), AIM).kind, 'waiting');
  });

  test('completed is only a claim', () => {
    const tasks = [running[0] ?? assert.fail(), task({ slot: 2, image: NEW, state: 'starting' })];
    assert.equal(judgeRoll(seen({ image: NEW, update: updated('completed') }, tasks), AIM).kind, 'waiting');
    assert.equal(
      judgeRoll(seen({ image: NEW, update: updated('completed') }, [...running, failed]), AIM).kind,
      'failed',
    );
  });

  test('an old task that still runs is waited for', () => {
    const tasks = [...running, task({ slot: 1, image: OLD })];
    assert.equal(judgeRoll(seen({ image: NEW, update: updated('completed') }, tasks), AIM).kind, 'waiting');
  });

  test('a failed task is left to Swarm while it watches, and not where it does not', () => {
    const kinds = (['pause', 'rollback', 'continue'] as const).map((failureAction) => {
      const updateConfig = { ...service({}).updateConfig, failureAction };
      return judgeRoll(seen({ image: NEW, update: updated('updating'), updateConfig }, [failed]), AIM).kind;
    });
    assert.deepEqual(kinds, ['waiting', 'waiting', 'failed']);
  });

  test('as many failures as the user allows are none', () => {
    const updateConfig = { ...service({}).updateConfig, maxFailureRatio: 0.5 };
    const state = { image: NEW, update: updated('completed'), updateConfig };
    assert.equal(judgeRoll(seen(state, [...running, failed]), AIM).kind, 'running');
  });

  test('a paused update has failed; a rollback is Swarm’s', () => {
    const paused = judgeRoll(seen({ image: NEW, update: updated('paused') }, [failed]), AIM);
    assert.ok(paused.kind === 'failed' && paused.by === 'swapctl' && /non-zero exit/.test(paused.reason));
    const back = judgeRoll(seen({ image: OLD, update: updated('rollback_started') }, [failed]), AIM);
    assert.ok(back.kind === 'failed' && back.by === 'swarm' && back.failures.length === 1);
  });

  test('another image is another process’s', () => {
    assert.deepEqual(judgeRoll(seen({ image: 'app:3' }, []), AIM), { kind: 'taken', image: 'app:3' });
  });

  test('tasks made before the roll do not count', () => {
    assert.deepEqual(failuresOf([task({ ...failed, createdAt: 50 })], AIM), []);
  });
});

suite('the rollback', () => {
  const old = [task({ slot: 1, image: OLD }), task({ slot: 2, image: OLD })];
  const kinds: readonly [Parameters<typeof seen>[0], typeof old, string][] = [
    [{ image: OLD }, old, 'back'],
    [{ image: OLD, update: updated('completed') }, old, 'back'],
    [{ image: OLD, update: updated('rollback_completed') }, old, 'back'],
    [{ image: OLD, update: updated('rollback_started') }, old, 'waiting'],
    [{ image: OLD, update: updated('rollback_paused') }, old, 'stranded'],
    [{ image: OLD, update: updated('completed') }, old.slice(0, 1), 'waiting'],
    [{ image: OLD }, [...old, task({ slot: 3, image: NEW })], 'waiting'],
    [{ image: NEW }, old, 'taken'],
  ];
  for (const [state, tasks, kind] of kinds)
    test(`${state.update?.state ?? 'no status'}, ${tasks.length} tasks, ${state.image === OLD ? 'old' : 'new'}: ${kind}`, () => {
      assert.equal(judgeBack(seen(state, tasks), AIM).kind, kind);
    });
});

suite('whose fault a failure is', () => {
  const cases: readonly [string, Parameters<typeof task>[0], boolean][] = [
    ['a program that ended', { state: 'failed', exitCode: 3 }, true],
    ['a program that ended well', { state: 'complete', exitCode: 0 }, true],
    ['a kill, as for lack of memory', { state: 'failed', exitCode: 137 }, false],
    [
      'no such image on the node',
      { state: 'rejected', error: 'No such image: app:2', container: undefined, exitCode: undefined },
      false,
    ],
    ['no place', { state: 'rejected', error: 'no suitable node', container: undefined, exitCode: undefined }, false],
    [
      'no such program',
      { state: 'failed', exitCode: 127, error: 'starting container failed: exec: "x": not found' },
      true,
    ],
    [
      'a task whose network its node could not set up',
      { state: 'failed', exitCode: 128, error: 'failed to find a load balancer IP to use for network: bzecbd8ucskh' },
      false,
    ],
  ];
  for (const [what, of, image] of cases) test(what, () => assert.equal(isImagesFault(task(of)), image));

  test('a task that ended well says what may be behind it', () => {
    assert.match(describeFailure(task({ state: 'complete', exitCode: 0 })), /health check/);
  });
});

function updated(
  state: 'updating' | 'paused' | 'completed' | 'rollback_started' | 'rollback_paused' | 'rollback_completed',
) {
  return { state, startedAt: 100, message: state };
}
