import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { Verdict } from '../../../src/core/health/health.ts';
import { SwapError } from '../../../src/core/model/error.ts';
import { servingBeside, withGates } from '../../../src/core/rollout/address-redirect.ts';
import { expectedSteps } from '../../../src/core/rollout/expected.ts';
import type { Desired, Observed } from '../../../src/core/rollout/observed.ts';
import { plan } from '../../../src/core/rollout/plan.ts';
import type { Step } from '../../../src/core/rollout/step.ts';
import {
  candidate,
  desired,
  failure,
  HEALTHY,
  handover,
  healthyCandidate,
  NAMES,
  NEW_IMAGE,
  OLD_IMAGE,
  observed,
  PORT_TAKEN,
  ROLL,
  replica,
  stopFirst,
  UNHEALTHY,
  UNSTARTED,
  WAITING,
} from '../builders.ts';

const INTERRUPTED = new SwapError('interrupted', 'the roll was interrupted');

/** The next step; any other decision fails the test. */
function next(seen: Observed, wish: Desired = desired()): Step {
  const decision = plan(wish, seen);
  if (decision.kind === 'act') return decision.step;
  return assert.fail(decision.kind === 'refuse' ? `refused: ${decision.error.message}` : 'converged');
}

function refused(seen: Observed, wish: Desired = desired()): SwapError {
  const decision = plan(wish, seen);
  return decision.kind === 'refuse' ? decision.error : assert.fail(`it is ${JSON.stringify(decision)}`);
}

/** The steps as short lines: `rename web`. */
function lines(steps: readonly Step[]): string[] {
  return steps.map((step) => ('name' in step ? `${step.kind} ${step.name}` : step.kind));
}

/** All steps of undoing a candidate, if each succeeds. */
function undoing(seen: Observed, wish: Desired): string[] {
  return lines(expectedSteps(wish, seen));
}

const underSlotName = { name: NAMES.slotName } as const;
const retired = replica({ name: NAMES.old });
const stopped = replica({ name: NAMES.old, running: false });
const served = healthyCandidate(underSlotName);
const settled = healthyCandidate({ ...underSlotName, settled: true });

suite('whether the container could start again', () => {
  const handover = desired({ choice: { strategy: 'handover', rehearse: true, because: 'a test' }, checksStart: true });
  const stops = stopFirst({ checksStart: true });

  test('is checked before anything is touched, whatever the strategy', () => {
    for (const wish of [desired({ checksStart: true }), stops, handover])
      assert.deepEqual(next(observed({ taggedImage: OLD_IMAGE }), wish), {
        kind: 'check-start',
        names: ['web'],
        moment: 'first',
      });
  });
  test('is checked together with what lives in its namespaces', () => {
    const seen = observed({ dependents: [{ name: 'sidecar', on: replica().id, inside: true }] });
    assert.deepEqual(next(seen, stops), { kind: 'check-start', names: ['web', 'sidecar'], moment: 'first' });
  });
  test('is checked once more right before the stop if an image was proven in between', () => {
    const kinds = expectedSteps(handover, observed()).flatMap((step) =>
      step.kind === 'check-start' ? [step.moment] : step.kind === 'stop' ? [`stop ${step.name}`] : [],
    );
    assert.deepEqual(kinds.slice(0, 3), ['first', 'last', 'stop web.swapctl-old']);
  });
  test('is checked once if the stop follows at once', () => {
    const checks = expectedSteps(stops, observed()).filter(({ kind }) => kind === 'check-start');
    assert.equal(checks.length, 1);
  });
  test('that it could not ends the roll, with nothing touched', () => {
    const error = new SwapError('cannot-start-again', 'web could not start again');
    assert.equal(refused(observed({ giveUp: error }), stops), error);
  });
  test('needs no check where nothing can have vanished, and none once it is down', () => {
    assert.notEqual(next(observed(), stopFirst()).kind, 'check-start');
  });
});

suite('start-first', () => {
  test('a whole roll of a container with a restart policy, step by step', () => {
    const seen = observed({ incumbent: replica({ restart: { Name: 'always' } }), taggedImage: OLD_IMAGE });
    assert.deepEqual(lines(expectedSteps(desired(), seen)), [
      'point-tag',
      'create web.swapctl-next',
      'start web.swapctl-next',
      'await-healthy web.swapctl-next',
      'rename web',
      'rename web.swapctl-next',
      'settle web',
      'keep-image',
      'hold-restart web.swapctl-old',
      'drain web.swapctl-old',
      'stop web.swapctl-old',
      'remove web.swapctl-old',
    ]);
  });

  test('nothing is done where the image runs already', () => {
    assert.equal(plan(desired(), observed({ incumbent: replica({ current: true }) })).kind, 'converged');
  });

  test('force replaces even what is current', () => {
    assert.equal(next(observed({ incumbent: replica({ current: true }) }), desired({ force: true })).kind, 'create');
  });

  test('the local tag moves only right before the container is created', () => {
    assert.deepEqual(next(observed({ taggedImage: OLD_IMAGE })), {
      kind: 'point-tag',
      reference: 'app:1',
      image: NEW_IMAGE,
    });
    assert.deepEqual(next(observed({ taggedImage: '' })), { kind: 'point-tag', reference: 'app:1', image: NEW_IMAGE });
  });

  test('a tracked digest has no tag that could move', () => {
    assert.equal(next(observed({ taggedImage: undefined })).kind, 'create');
  });

  test('the old container is left alone until the new one is healthy', () => {
    const steps = [UNSTARTED, WAITING].map((verdict) =>
      next(observed({ candidate: candidate({ verdict, running: verdict !== UNSTARTED }) })),
    );
    assert.deepEqual(lines(steps), ['start web.swapctl-next', 'await-healthy web.swapctl-next']);
  });

  test('files that compose had copied in are copied before the start', () => {
    const step = next(observed({ candidate: candidate({ missingFiles: ['/run/secrets/key'] }) }));
    assert.deepEqual(step, { kind: 'copy-files', container: 'new', name: NAMES.next, paths: ['/run/secrets/key'] });
  });

  test('a healthy container gets the name: the old one gives it away first', () => {
    assert.deepEqual(next(observed({ candidate: healthyCandidate() })), {
      kind: 'rename',
      container: 'old',
      name: 'web',
      to: NAMES.old,
    });
    assert.deepEqual(next(observed({ incumbent: retired, candidate: healthyCandidate() })), {
      kind: 'rename',
      container: 'new',
      name: NAMES.next,
      to: 'web',
    });
  });

  test('what took over is watched for the settle time with the old one still running', () => {
    assert.equal(next(observed({ incumbent: retired, candidate: served })).kind, 'settle');
  });

  test('the old image is kept before the old container is stopped', () => {
    assert.deepEqual(next(observed({ incumbent: retired, candidate: settled })), {
      kind: 'keep-image',
      image: OLD_IMAGE,
      reference: 'swapctl-rollback/web:old',
    });
  });

  test('the old container is drained, stopped and removed, in this order', () => {
    const kinds = [retired, { ...retired, drained: true }, { ...retired, drained: true, running: false }].map(
      (incumbent) => next(observed({ incumbent, candidate: settled, incumbentKept: true })).kind,
    );
    assert.deepEqual(kinds, ['drain', 'stop', 'remove']);
  });

  test('only policies that would start a stopped container with the engine are held', () => {
    const held = ['always', 'on-failure', 'unless-stopped', 'no', ''].filter((Name) => {
      const incumbent = replica({ name: NAMES.old, restart: { Name } });
      return next(observed({ incumbent, candidate: settled, incumbentKept: true })).kind === 'hold-restart';
    });
    assert.deepEqual(held, ['always', 'on-failure']);
  });

  test('a container that removes itself on exit has no policy to hold, and is gone with its stop', () => {
    const seen = observed({ incumbent: replica({ autoRemove: true }) });
    assert.deepEqual(lines(expectedSteps(desired(), seen)).slice(-3), [
      'keep-image',
      'drain web.swapctl-old',
      'stop web.swapctl-old',
    ]);
  });

  test('a success forgets earlier failures of the slot', () => {
    const seen = observed({ incumbent: undefined, candidate: settled, failures: [failure({ image: 'sha256:bad' })] });
    assert.equal(next(seen).kind, 'forget-failure');
    assert.equal(plan(desired(), { ...seen, failures: [] }).kind, 'converged');
  });

  test('going back forgets nothing', () => {
    const seen = observed({ incumbent: undefined, candidate: settled, failures: [failure({ image: 'sha256:bad' })] });
    assert.equal(plan(desired({ back: true }), seen).kind, 'converged');
  });
});

suite('stop-first', () => {
  test('a whole roll of a container with a restart policy, step by step', () => {
    const seen = observed({ incumbent: replica({ restart: { Name: 'always' } }) });
    assert.deepEqual(lines(expectedSteps(stopFirst(), seen)), [
      'create web.swapctl-next',
      'hold-restart web',
      'rename web',
      'rename web.swapctl-next',
      'stop web.swapctl-old',
      'start web',
      'await-healthy web',
      'settle web',
      'keep-image',
      'remove web.swapctl-old',
    ]);
  });

  test('files are copied while the old container still runs', () => {
    const seen = observed({ candidate: candidate({ strategy: 'stop-first', missingFiles: ['/a'] }) });
    assert.equal(next(seen, stopFirst()).kind, 'copy-files');
  });

  test('the old container is not removed before the new one has settled', () => {
    const seen = observed({
      incumbent: stopped,
      candidate: healthyCandidate({ ...underSlotName, strategy: 'stop-first' }),
      incumbentKept: true,
    });
    assert.equal(next(seen, stopFirst()).kind, 'settle');
  });

  test('an old container that removes itself on exit is made again before the new one starts: that one may vanish too', () => {
    const seen = observed({
      incumbent: undefined,
      candidate: candidate({ ...underSlotName, strategy: 'stop-first', autoRemove: true }),
    });
    assert.deepEqual(next(seen, stopFirst()), { kind: 'recreate-old', name: NAMES.old, image: OLD_IMAGE });
    const again = {
      ...seen,
      incumbent: replica({ id: 'again', name: NAMES.old, running: false, autoRemove: true, verdict: UNSTARTED }),
    };
    assert.equal(next(again, stopFirst()).kind, 'start');
  });
});

suite('rehearsal', () => {
  const wish = desired({ choice: { strategy: 'stop-first', rehearse: true, because: '' } });
  const rehearsal = candidate({ id: 'try', name: NAMES.rehearsal, replaces: undefined, strategy: undefined });

  test('the image is proven before the tag moves and before the old container is touched', () => {
    const steps = lines(expectedSteps(wish, observed({ taggedImage: OLD_IMAGE })));
    assert.deepEqual(steps.slice(0, 6), [
      'create-rehearsal web.swapctl-rehearsal',
      'start web.swapctl-rehearsal',
      'await-healthy web.swapctl-rehearsal',
      'settle web.swapctl-rehearsal',
      'pass-rehearsal web.swapctl-rehearsal',
      'point-tag',
    ]);
  });

  test('a passed rehearsal is not repeated in the same run', () => {
    assert.equal(next(observed({ rehearsed: true }), wish).kind, 'create');
  });

  test('it gets its files before it starts', () => {
    assert.equal(next(observed({ rehearsal: { ...rehearsal, missingFiles: ['/a'] } }), wish).kind, 'copy-files');
  });

  test('a rehearsal that fails is remembered, then removed, and the old container was never touched', () => {
    const seen = observed({ rehearsal: { ...rehearsal, running: true, verdict: UNHEALTHY } });
    const [first, second, ...more] = expectedSteps(wish, seen);
    assert.deepEqual([first?.kind, second?.kind, more.length], ['remember-failure', 'remove', 0]);
    const after = observed({ failures: [failure({ roll: ROLL, reason: 'it exited' })] });
    assert.deepEqual([refused(after, wish).code, refused(after, wish).message], ['not-healthy', 'it exited']);
  });

  test('a rehearsal that the host refuses to start is noted for the backoff, not against the image, and removed', () => {
    const seen = observed({ rehearsal: { ...rehearsal, verdict: PORT_TAKEN } });
    const step = next(seen, wish);
    assert.ok(step.kind === 'remember-failure' && step.code === 'cannot-start');
    const failures = [failure({ roll: ROLL, code: step.code, reason: step.reason })];
    assert.equal(next({ ...seen, failures }, wish).kind, 'remove');
    assert.equal(refused(observed({ failures }), wish).code, 'cannot-start');
    assert.notEqual(plan({ ...wish, roll: 'next' }, observed({ failures })).kind, 'refuse');
  });

  test('a rehearsal that a user stopped is removed, and nothing is recorded', () => {
    const stopped = { kind: 'failed', reason: 'it was stopped', blame: 'person' } as const;
    const decision = plan(wish, observed({ rehearsal: { ...rehearsal, verdict: stopped } }));
    assert.ok(decision.kind === 'act' && decision.step.kind === 'remove');
    assert.equal(decision.undoing?.code, 'interrupted');
  });

  test('one that another roll left behind, one that is half made, and one after an interruption are removed', () => {
    for (const seen of [
      observed({ rehearsal: { ...rehearsal, roll: 'dead-roll', running: true, verdict: HEALTHY } }),
      observed({ rehearsal: { ...rehearsal, complete: false } }),
      observed({ rehearsal: { ...rehearsal, running: true, verdict: WAITING }, giveUp: INTERRUPTED }),
    ]) {
      assert.equal(next(seen, wish).kind, 'remove');
    }
  });
});

suite('undo', () => {
  test('a start-first candidate that fails is remembered, stopped and removed, and the tag goes back', () => {
    const seen = observed({ candidate: candidate({ running: true, verdict: UNHEALTHY }) });
    assert.deepEqual(undoing(seen, desired()), [
      'remember-failure web.swapctl-next',
      'point-tag',
      'stop web.swapctl-next',
      'remove web.swapctl-next',
    ]);
  });

  test('after the switch the old container gets its name back before the new one goes', () => {
    const seen = observed({ incumbent: retired, candidate: { ...served, verdict: UNHEALTHY } });
    assert.deepEqual(undoing(seen, desired()).slice(1, 3), ['rename web', 'rename web.swapctl-old']);
  });

  test('an old container that turned connections away at its drain takes them again before anything else', () => {
    const failed = { ...served, verdict: UNHEALTHY };
    const incumbent = { ...retired, drained: true, shut: true };
    assert.deepEqual(undoing(observed({ incumbent, candidate: failed }), desired()).slice(0, 3), [
      'remember-failure web',
      'open web.swapctl-old',
      'rename web',
    ]);
  });

  test('stop-first: the candidate makes room, the incumbent starts with its policy and name as before', () => {
    const incumbent = replica({ name: NAMES.old, running: false, restart: { Name: 'unless-stopped' } });
    const failed = healthyCandidate({
      ...underSlotName,
      strategy: 'stop-first',
      verdict: UNHEALTHY,
      restart: { Name: 'always' },
    });
    assert.deepEqual(undoing(observed({ incumbent, candidate: failed }), stopFirst()), [
      'remember-failure web',
      'stop web',
      'start web.swapctl-old',
      'restore-restart web.swapctl-old',
      'rename web',
      'rename web.swapctl-old',
      'point-tag',
      'remove web.swapctl-next',
    ]);
  });

  test('start-first: an old container that was stopped runs again before the new one is stopped', () => {
    const seen = observed({
      incumbent: stopped,
      candidate: { ...served, verdict: UNHEALTHY },
      failures: [failure({ roll: ROLL })],
    });
    assert.deepEqual(undoing(seen, desired()), [
      'start web.swapctl-old',
      'rename web',
      'rename web.swapctl-old',
      'point-tag',
      'stop web.swapctl-next',
      'remove web.swapctl-next',
    ]);
  });

  test('an old container that is gone is made again from its image', () => {
    const seen = observed({
      incumbent: undefined,
      candidate: candidate({ ...underSlotName, running: true, verdict: UNHEALTHY, strategy: 'stop-first' }),
    });
    assert.deepEqual(undoing(seen, stopFirst()).slice(0, 4), [
      'remember-failure web',
      'recreate-old web.swapctl-old',
      'stop web',
      'start web.swapctl-old',
    ]);
  });

  test('retries of the restart policy count as part of it', () => {
    const incumbent = replica({ name: NAMES.old, restart: { Name: 'on-failure', MaximumRetryCount: 3 } });
    const failed = healthyCandidate({
      ...underSlotName,
      verdict: UNHEALTHY,
      restart: { Name: 'on-failure', MaximumRetryCount: 5 },
    });
    const seen = observed({ incumbent, candidate: failed, failures: [failure({ roll: ROLL })] });
    assert.equal(next(seen).kind, 'restore-restart');
  });

  test('a tag that a user moved since is left alone, and so is one that had not moved', () => {
    const seen = observed({
      candidate: candidate({ running: true, verdict: UNHEALTHY }),
      failures: [failure({ roll: ROLL })],
    });
    assert.equal(next({ ...seen, taggedImage: 'sha256:third' }).kind, 'stop');
    assert.equal(
      next({ ...seen, candidate: candidate({ running: true, verdict: UNHEALTHY, tagBefore: NEW_IMAGE }) }).kind,
      'stop',
    );
    assert.equal(
      next({ ...seen, candidate: candidate({ running: true, verdict: UNHEALTHY, tagBefore: undefined }) }).kind,
      'stop',
    );
  });

  test('a start that the host refuses is noted for the backoff, not against the image', () => {
    const decision = plan(desired(), observed({ candidate: candidate({ verdict: PORT_TAKEN }) }));
    assert.ok(decision.kind === 'act' && decision.step.kind === 'remember-failure');
    assert.equal(decision.step.code, 'cannot-start');
    assert.equal(decision.undoing?.code, 'cannot-start');
  });

  test('a call that the engine failed at is not noted: no container of the image has failed', () => {
    const giveUp = new SwapError('cannot-start', "it can't be started: a fault of the engine");
    const decision = plan(desired(), observed({ candidate: candidate(), giveUp }));
    assert.ok(decision.kind === 'act');
    assert.equal(decision.step.kind, 'point-tag');
  });

  test('a recorded failure is final, even if the container turns healthy again', () => {
    const seen = observed({ incumbent: retired, candidate: served, failures: [failure({ roll: ROLL })] });
    assert.deepEqual(next(seen), { kind: 'rename', container: 'new', name: 'web', to: NAMES.next });
  });

  test('the undone roll is refused with the reason of its failure', () => {
    const error = refused(
      observed({ failures: [failure({ roll: ROLL, reason: 'it exited with status 3' })], taggedImage: OLD_IMAGE }),
    );
    assert.deepEqual([error.code, error.message], ['not-healthy', 'it exited with status 3']);
  });

  test('a container that swapctl did not make is never removed', () => {
    const stranger = candidate({ roll: undefined, running: true, verdict: UNHEALTHY, current: false });
    const error = refused(observed({ incumbent: undefined, candidate: stranger }));
    assert.equal(error.code, 'attention');
    assert.match(error.message, /web\.swapctl-next/);
  });

  test('the only container is not stopped where nothing tells how to make the old one again', () => {
    const seen = observed({
      incumbent: undefined,
      candidate: candidate({ ...underSlotName, running: true, verdict: UNHEALTHY, imageBefore: undefined }),
    });
    assert.equal(refused(seen).code, 'attention');
  });

  test('an old container that does not stay up is not started forever: the roll needs attention', () => {
    const failed = { ...served, way: 'stop-first', running: false, verdict: UNHEALTHY } as const;
    const exited = {
      ...stopped,
      verdict: { kind: 'failed', reason: 'it exited with status 7', blame: 'image' },
    } as const;
    for (const candidate of [failed, undefined]) {
      const seen = { ...observed({ candidate }), failures: [failure({ roll: ROLL })] };
      assert.equal(next({ ...seen, incumbent: { ...exited, starts: 2 } }).kind, 'start');
      const error = refused({ ...seen, incumbent: { ...exited, starts: 3 } });
      assert.deepEqual([error.code, /it exited with status 7/.test(error.message)], ['attention', true]);
    }
  });

  test('dependents that had moved already go back to the old container', () => {
    const seen = observed({
      incumbent: retired,
      candidate: { ...served, verdict: UNHEALTHY },
      failures: [failure({ roll: ROLL })],
      dependents: [{ name: 'vpn-user', on: 'new', inside: true }],
    });
    assert.deepEqual(next(seen), { kind: 'move-dependents', names: ['vpn-user'], from: 'new', to: 'old' });
  });
});

suite('giving up', () => {
  test('an interruption before the switch takes the candidate away and leaves the old one as it was', () => {
    const seen = observed({ candidate: candidate({ running: true, verdict: WAITING }), giveUp: INTERRUPTED });
    assert.deepEqual(undoing(seen, desired()), ['point-tag', 'stop web.swapctl-next', 'remove web.swapctl-next']);
  });

  test('a container that the undoing itself stopped is not remembered as failed', () => {
    const exited = candidate({ verdict: { kind: 'failed', reason: 'it exited with status 143', blame: 'image' } });
    assert.equal(next(observed({ candidate: exited, giveUp: INTERRUPTED, taggedImage: OLD_IMAGE })).kind, 'remove');
  });

  test('one that a dead process may have stopped is not remembered as failed either', () => {
    const exited = candidate({
      complete: false,
      verdict: { kind: 'failed', reason: 'it exited with status 137', blame: 'image' },
    });
    assert.equal(next(observed({ candidate: exited, taggedImage: OLD_IMAGE })).kind, 'remove');
  });

  test('after the switch an interruption changes nothing: the roll is finished', () => {
    assert.equal(next(observed({ incumbent: retired, candidate: served, giveUp: INTERRUPTED })).kind, 'settle');
  });

  test('nothing new is begun', () => {
    assert.equal(refused(observed({ giveUp: INTERRUPTED })), INTERRUPTED);
  });

  test('no report says that the old container serves as before if it does not', () => {
    const paused: Verdict = { kind: 'failed', reason: 'a user paused it', blame: 'person' };
    for (const change of [{ verdict: paused }, { running: false }]) {
      const { code, message } = refused(observed({ incumbent: replica(change), giveUp: INTERRUPTED }));
      assert.equal(code, 'attention');
      assert.match(message, /interrupted; and the old container \(web\) does not serve: (a user paused it|it is down)/);
    }
  });

  test('a container that could not be created leaves no moved tag behind', () => {
    const wish = desired({ tagBefore: OLD_IMAGE });
    const giveUp = new SwapError('cannot-create', 'no');
    assert.deepEqual(next(observed({ giveUp }), wish), { kind: 'point-tag', reference: 'app:1', image: OLD_IMAGE });
    assert.equal(refused(observed({ giveUp, taggedImage: OLD_IMAGE }), wish), giveUp);
    assert.equal(refused(observed({ giveUp }), desired()), giveUp);
  });

  test('one that removed itself after a signal from outside rejects no image, and its status is quoted', () => {
    const incumbent = replica({ autoRemove: true });
    for (const [goneWith, code, text] of [
      [3, 'not-healthy', /it exited with status 3, and the engine removed it \(--rm\)/],
      [137, 'unproven', /it exited with status 137, and the engine removed it \(--rm\)/],
      [undefined, 'not-healthy', /it exited, and the engine removed it \(--rm\)/],
    ] as const) {
      const step = next(observed({ incumbent, vanished: 1, goneWith }));
      assert.ok(step.kind === 'remember-failure');
      assert.equal(step.code, code);
      assert.match(step.reason, text);
    }
  });

  test('a new container that removed itself on exit is not made over and over', () => {
    const incumbent = replica({ autoRemove: true });
    assert.equal(next(observed({ incumbent })).kind, 'create');
    const remember = next(observed({ incumbent, vanished: 1 }));
    assert.ok(remember.kind === 'remember-failure' && remember.roll === desired().roll, remember.kind);
    const failures = [failure({ roll: desired().roll })];
    assert.equal(refused(observed({ incumbent, vanished: 1, failures })).code, 'not-healthy');
  });

  test('a new container that a user removed is created again, but not forever', () => {
    const kinds = [0, 1, 2, 3].map((vanished) => plan(desired(), observed({ vanished })).kind);
    assert.deepEqual(kinds, ['act', 'act', 'act', 'refuse']);
    const incumbent = replica({ autoRemove: true });
    assert.equal(next(observed({ incumbent, vanished: 1, removedByUser: 1 })).kind, 'create', 'also with --rm');
  });
});

suite('recovery', () => {
  const other = (change = {}) => candidate({ roll: 'dead-roll', complete: false, ...change });

  test('a candidate that was created but never started is taken away: nobody knows whether it was complete', () => {
    const decision = plan(desired(), observed({ candidate: other(), taggedImage: OLD_IMAGE }));
    assert.deepEqual(decision, { kind: 'act', step: { kind: 'remove', container: 'new', name: NAMES.next } });
  });

  test('a running candidate of the wanted image is adopted, not made a second time', () => {
    assert.equal(next(observed({ candidate: other({ running: true, verdict: WAITING }) })).kind, 'await-healthy');
    assert.equal(next(observed({ candidate: other({ running: true, verdict: HEALTHY }) })).kind, 'rename');
  });

  test('a running candidate of another image is taken back', () => {
    const stale = other({ running: true, verdict: WAITING, current: false, imageId: 'sha256:third' });
    assert.deepEqual(undoing(observed({ candidate: stale }), desired()).slice(0, 2), [
      'stop web.swapctl-next',
      'remove web.swapctl-next',
    ]);
  });

  test('one that had taken over already is finished first, whatever is wanted now', () => {
    const stale = { ...settled, roll: 'dead-roll', current: false };
    assert.equal(next(observed({ incumbent: stopped, candidate: stale, incumbentKept: true })).kind, 'remove');
  });

  test('an adopted candidate that fails is remembered once, as the failure of its own roll', () => {
    const adopted = other({ running: true, verdict: UNHEALTHY });
    const steps = expectedSteps(desired(), observed({ candidate: adopted }));
    assert.deepEqual(lines(steps), [
      'remember-failure web.swapctl-next',
      'point-tag',
      'stop web.swapctl-next',
      'remove web.swapctl-next',
    ]);
    assert.ok(steps[0]?.kind === 'remember-failure' && steps[0].roll === 'dead-roll');
  });

  test('an old container whose successor is gone starts again, under its own name', () => {
    const seen = observed({ incumbent: stopped });
    assert.deepEqual(
      lines(expectedSteps(desired({ image: { follows: 'app:1', id: OLD_IMAGE, digest: undefined } }), seen)).slice(
        0,
        2,
      ),
      ['start web.swapctl-old', 'rename web.swapctl-old'],
    );
  });

  test('an old container that turned connections away, and whose successor is gone, takes them again', () => {
    for (const name of [NAMES.slotName, NAMES.old]) {
      const incumbent = replica({ name, drained: true, shut: true });
      assert.deepEqual(next(observed({ incumbent })), { kind: 'open', container: 'old', name });
    }
  });

  test('a crash between stop and start: the old container starts again', () => {
    const seen = observed({ incumbent: stopped, candidate: other({ ...underSlotName, way: 'stop-first' }) });
    assert.deepEqual(lines(expectedSteps(stopFirst(), seen)).slice(0, 4), [
      'start web.swapctl-old',
      'rename web',
      'rename web.swapctl-old',
      'point-tag',
    ]);
  });

  test('where no container is left at all, a person is needed', () => {
    const error = refused(observed({ incumbent: undefined }));
    assert.equal(error.code, 'attention');
    assert.match(error.message, /web/);
  });
});

suite('known-bad images', () => {
  test('an image that failed here is not tried again', () => {
    const error = refused(observed({ failures: [failure()] }));
    assert.equal(error.code, 'known-bad');
    assert.match(error.message, /2026-01-01.*it exited with status 1/);
    assert.match(error.hint ?? '', /--force/);
  });

  test('it is known by its digest too: another engine id may be the same image', () => {
    const known = failure({ image: 'sha256:pulled-differently', digest: 'sha256:digest-of-new' });
    assert.equal(refused(observed({ failures: [known] })).code, 'known-bad');
  });

  test('two images without a digest are not the same for it', () => {
    const wish = desired({ image: { follows: 'app:1', id: NEW_IMAGE, digest: undefined } });
    assert.equal(
      next(observed({ failures: [failure({ image: 'sha256:other', digest: undefined })] }), wish).kind,
      'create',
    );
  });

  test('force tries it again', () => {
    assert.equal(next(observed({ failures: [failure()] }), desired({ force: true })).kind, 'create');
  });

  test('another image is not held back by it', () => {
    assert.equal(next(observed({ failures: [failure({ image: 'sha256:third' })] })).kind, 'create');
  });
});

suite('handover', () => {
  const standIn = candidate({
    id: 'stand-in',
    name: NAMES.standIn,
    running: true,
    verdict: HEALTHY,
    settled: true,
    replaces: undefined,
    strategy: undefined,
  });
  const successor = candidate({ strategy: 'handover' });

  test('a whole roll, step by step: the ports are answered all the time', () => {
    const seen = observed({ incumbent: replica({ restart: { Name: 'always' } }), taggedImage: OLD_IMAGE, gates: true });
    assert.deepEqual(lines(expectedSteps(handover(), seen)), [
      'create-stand-in web.swapctl-stand-in',
      'start web.swapctl-stand-in',
      'await-healthy web.swapctl-stand-in',
      'open web.swapctl-stand-in',
      'cover web',
      'settle web.swapctl-stand-in',
      'point-tag',
      'create web.swapctl-next',
      'drain web',
      'hold-restart web',
      'rename web',
      'rename web.swapctl-next',
      'cover web',
      'stop web.swapctl-old',
      'start web',
      'await-healthy web',
      'open web',
      'uncover web',
      'settle web',
      'drain web.swapctl-stand-in',
      'stop web.swapctl-stand-in',
      'drop-cover web',
      'remove web.swapctl-stand-in',
      'keep-image',
      'remove web.swapctl-old',
    ]);
  });

  test('a stand-in that fails is remembered and removed before anything else was touched', () => {
    const failed = { ...standIn, verdict: UNHEALTHY, settled: false };
    const [first, ...more] = lines(expectedSteps(handover(), observed({ standIn: failed })));
    assert.equal(first, 'remember-failure web.swapctl-stand-in');
    assert.deepEqual(more, ['drain web.swapctl-stand-in', 'stop web.swapctl-stand-in', 'remove web.swapctl-stand-in']);
  });

  test('the settle time is spent on the stand-in with all traffic of the slot; its successor is watched for a moment', () => {
    const unsettled = { ...standIn, settled: false };
    const seen = observed({ standIn: unsettled, redirectsAddresses: true });
    const steps = expectedSteps(handover(), seen);
    assert.deepEqual(lines(steps).slice(0, 3), ['cover web', 'forward web', 'settle web.swapctl-stand-in']);
    const watches = steps.flatMap((step) => (step.kind === 'settle' ? [[step.name, step.brief]] : []));
    assert.deepEqual(watches, [
      ['web.swapctl-stand-in', false],
      ['web', true],
    ]);
  });

  test('a stand-in that fails while it serves gives the ports back before anything else', () => {
    const failed = { ...standIn, verdict: UNHEALTHY, settled: false };
    const seen = observed({ standIn: failed, portRedirect: 'expiring' });
    assert.deepEqual(lines(expectedSteps(handover(), seen)), [
      'uncover web',
      'remember-failure web.swapctl-stand-in',
      'drain web.swapctl-stand-in',
      'stop web.swapctl-stand-in',
      'drop-cover web',
      'remove web.swapctl-stand-in',
    ]);
  });

  test('a stand-in that a user stops while it serves is removed after its rules', () => {
    const verdict = { kind: 'failed', reason: 'it was stopped', blame: 'person' } as const;
    const seen = observed({
      standIn: { ...standIn, running: false, verdict, settled: false },
      portRedirect: 'expiring',
    });
    const first = lines(expectedSteps(handover(), seen)).slice(0, 3);
    assert.deepEqual(first, ['uncover web', 'drop-cover web', 'remove web.swapctl-stand-in']);
  });

  test('without its stand-in the roll goes back while the old container still serves', () => {
    const seen = observed({ candidate: successor, taggedImage: OLD_IMAGE });
    assert.equal(next(seen, handover()).kind, 'remove');
    const failed = next({ ...seen, standIn: { ...standIn, verdict: UNHEALTHY } }, handover());
    assert.equal(failed.kind, 'remember-failure');
  });

  test('redirects to a missing stand-in are removed first', () => {
    const step = next(observed({ portRedirect: 'lasting', candidate: successor, incumbent: stopped }), handover());
    assert.deepEqual(step, { kind: 'drop-cover', name: 'web' });
  });

  test('during an undo the stand-in answers until the old container does', () => {
    const failed = { ...successor, ...underSlotName, running: true, verdict: UNHEALTHY } as const;
    const seen = observed({ incumbent: stopped, candidate: failed, standIn, failures: [failure({ roll: ROLL })] });
    assert.deepEqual(lines(expectedSteps(handover(), seen)), [
      'cover web',
      'stop web',
      'start web.swapctl-old',
      'rename web',
      'rename web.swapctl-old',
      'point-tag',
      'remove web.swapctl-next',
      'await-healthy web',
      'uncover web',
      'drain web.swapctl-stand-in',
      'stop web.swapctl-stand-in',
      'drop-cover web',
      'remove web.swapctl-stand-in',
    ]);
  });

  test('a roll that is refused leaves no stand-in behind', () => {
    const seen = observed({ standIn, incumbent: replica({ autoRemove: true }), vanished: 1 });
    assert.equal(next(seen, handover()).kind, 'drain');
  });

  test('somebody removes the new container while its stand-in goes: swapctl stopped that one, and no image is to blame', () => {
    const going = { ...standIn, running: false, drained: true, verdict: UNHEALTHY } as const;
    const [first, second, third] = lines(expectedSteps(handover(), observed({ standIn: going, portRedirect: 'over' })));
    assert.deepEqual(
      [first, second, third],
      ['drop-cover web', 'remove web.swapctl-stand-in', 'create-stand-in web.swapctl-stand-in'],
    );
  });

  test('a recovery that went back leaves no stand-in behind, not even that of the very roll that it mends', () => {
    const wish = handover({ recoveryOnly: true });
    assert.deepEqual(lines(expectedSteps(wish, observed({ standIn }))), [
      'drain web.swapctl-stand-in',
      'stop web.swapctl-stand-in',
      'remove web.swapctl-stand-in',
    ]);
  });
});

suite('a fresh container that is kept from its networks', () => {
  test('is opened once it is healthy, and only then gets the name', () => {
    const shut = healthyCandidate({ shut: true });
    assert.deepEqual(next(observed({ candidate: shut })), { kind: 'open', container: 'new', name: NAMES.next });
  });

  const back = { from: 'new', to: 'old', state: 'leads' } as const;

  test('is opened before anything is redirected to it, also if a dead process has set its gate', () => {
    const seen = withGates(
      observed({ candidate: healthyCandidate(), redirectsAddresses: true, addressRedirects: [back] }),
    );
    assert.deepEqual(next(seen), { kind: 'open', container: 'new', name: NAMES.next });
    const steps = lines(expectedSteps(desired(), seen));
    assert.ok(steps.indexOf('open web.swapctl-next') < steps.indexOf('forward web.swapctl-old'), steps.join());
  });

  test('leaves its connections to the old container while that runs, whatever is known of its health', () => {
    const waiting = candidate({ running: true, verdict: WAITING });
    const seen = observed({ incumbent: replica({ verdict: WAITING }), candidate: waiting, addressRedirects: [back] });
    assert.equal(next(withGates(seen)).kind, 'await-healthy');
    const down = { ...seen, incumbent: replica({ running: false }) };
    assert.deepEqual(next(withGates(down)), { kind: 'end-forward', from: 'new', name: NAMES.next, linger: false });
  });

  test('has its redirect ended once it is down', () => {
    const gone = candidate({ verdict: UNHEALTHY });
    const step = next(withGates(observed({ candidate: gone, addressRedirects: [back] })));
    assert.deepEqual(step, { kind: 'end-forward', from: 'new', name: NAMES.next, linger: true });
  });

  test('of a handover leaves them to the stand-in', () => {
    const standIn = replica({ id: 'stand-in', name: NAMES.standIn, running: true, verdict: HEALTHY });
    const seen = observed({ incumbent: stopped, candidate: candidate({ strategy: 'handover' }), standIn });
    assert.equal(servingBeside(seen, 'new')?.id, 'stand-in');
    assert.equal(servingBeside({ ...seen, incumbent: replica() }, 'stand-in')?.id, 'old');
    assert.equal(servingBeside({ ...seen, standIn: undefined }, 'new'), undefined);
  });
});

suite('the verdict of the engine', () => {
  const engineVerdict = { because: 'a proxy reads it' };
  const wish = desired({ engineVerdict });
  const seen = observed({ incumbent: retired, candidate: { ...settled, noticed: 'waiting', verdictWithinMs: 7000 } });

  test('is waited for after the settle time, before the old container is drained', () => {
    const step = { kind: 'await-engine', container: 'new', name: NAMES.slotName, ...engineVerdict, mostMs: 7000 };
    assert.deepEqual(plan(wish, seen), { kind: 'act', step });
    const steps = lines(expectedSteps(wish, observed({ incumbent: replica({ noticed: 'noticed' }) })));
    const order = ['settle web', 'await-engine web', 'drain web.swapctl-old'].map((line) => steps.indexOf(line));
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
      steps.join(),
    );
    assert.ok(!order.includes(-1), steps.join());
  });

  test('is waited for twice in a handover: for the stand-in with the ports moved, and for the new container', () => {
    const steps = lines(
      expectedSteps(handover({ engineVerdict }), observed({ incumbent: replica({ noticed: 'noticed' }) })),
    );
    const at = (line: string, from = 0): number => steps.indexOf(line, from);
    const [first, second] = [at('await-engine web.swapctl-stand-in'), at('await-engine web')];
    assert.ok(at('cover web') < first && first < at('drain web'), steps.join());
    assert.ok(at('settle web') < second && second < at('drain web.swapctl-stand-in'), steps.join());
  });

  test('is waited for in the undo of a handover, before the stand-in goes', () => {
    const standIn = candidate({
      id: 'stand-in',
      name: NAMES.standIn,
      running: true,
      verdict: HEALTHY,
      strategy: undefined,
    });
    const back = observed({ incumbent: replica({ noticed: 'waiting' }), standIn, portRedirect: 'lasting' });
    assert.equal(next(back, handover({ engineVerdict, recoveryOnly: true })).kind, 'await-engine');
  });

  test('a handover goes back if it is against the stand-in', () => {
    const standIn = candidate({
      id: 'stand-in',
      name: NAMES.standIn,
      running: true,
      verdict: HEALTHY,
      strategy: undefined,
    });
    const successor = candidate({ strategy: 'handover' });
    const refused = observed({ candidate: successor, standIn: { ...standIn, noticed: 'unhealthy' } });
    const decision = plan(handover({ engineVerdict }), refused);
    assert.equal(decision.kind === 'act' && decision.undoing?.code, 'not-healthy');
  });

  test('is not waited for where nobody reads it, the engine gives none, or the old container is down', () => {
    assert.notEqual(next(seen), 'await-engine');
    for (const noticed of ['none', 'noticed'] as const) {
      const decision = plan(wish, observed({ incumbent: retired, candidate: { ...settled, noticed } }));
      assert.equal(decision.kind === 'act' && decision.step.kind, 'keep-image', noticed);
    }
    const decision = plan(wish, { ...seen, incumbent: stopped });
    assert.equal(decision.kind === 'act' && decision.step.kind, 'keep-image');
  });

  test('sends traffic back if it is against the new container, whatever its own check says', () => {
    const refused = observed({ incumbent: retired, candidate: { ...settled, noticed: 'unhealthy' } });
    const decision = plan(wish, refused);
    assert.equal(decision.kind === 'act' && decision.undoing?.code, 'not-healthy');
    assert.equal(next(refused).kind, 'keep-image', 'where nobody reads it, it does not count');
  });
});

suite('dependents', () => {
  test('they follow after the switch and before the old container is stopped', () => {
    const seen = observed({
      incumbent: retired,
      candidate: served,
      dependents: [
        { name: 'vpn-user', on: 'old', inside: true },
        { name: 'moved', on: 'new', inside: true },
      ],
    });
    assert.deepEqual(next(seen), { kind: 'move-dependents', names: ['vpn-user'], from: 'old', to: 'new' });
  });

  test('they follow as well where somebody took away what they lived with', () => {
    const dependents = [{ name: 'vpn-user', on: 'gone', inside: true }];
    const move = { kind: 'move-dependents', names: ['vpn-user'], from: 'gone' };
    assert.deepEqual(next(observed({ incumbent: undefined, candidate: served, dependents })), { ...move, to: 'new' });
    assert.deepEqual(next(observed({ dependents })), { ...move, to: 'old' });
    assert.equal(next(observed({ incumbent: replica({ running: false }), dependents })).kind, 'create');
  });

  test('a whole stop-first roll moves them once the new container is healthy', () => {
    const seen = observed({ dependents: [{ name: 'vpn-user', on: 'old', inside: true }] });
    const steps = lines(expectedSteps(stopFirst(), seen));
    assert.equal(steps.indexOf('move-dependents'), steps.indexOf('await-healthy web') + 1);
  });
});
