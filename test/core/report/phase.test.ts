import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { STRATEGIES } from '../../../src/core/model/strategy.ts';
import { describePhase, nextPhase, PHASES, type RollPhase } from '../../../src/core/report/phase.ts';
import { expectedSteps } from '../../../src/core/rollout/expected.ts';
import type { Desired, Observed } from '../../../src/core/rollout/observed.ts';
import { plan } from '../../../src/core/rollout/plan.ts';
import {
  candidate,
  desired,
  handover,
  NAMES,
  OLD_IMAGE,
  observed,
  replica,
  stopFirst,
  UNHEALTHY,
} from '../builders.ts';

/** The phases of a roll from here on, if all goes well, and the number of its steps. */
function phasesOf(wish: Desired, seen: Observed): { phases: RollPhase[]; steps: number } {
  const steps = expectedSteps(wish, seen);
  const phases: RollPhase[] = [];
  for (const step of steps) {
    const phase = nextPhase(phases.at(-1), step, wish.choice.strategy, false);
    if (phase !== undefined && phase !== phases.at(-1)) phases.push(phase);
  }
  return { phases, steps: steps.length };
}

const PUBLISHED = observed({ taggedImage: OLD_IMAGE, redirectsAddresses: true, gates: true });

suite('the phases of a roll', () => {
  test('start-first', () => {
    const { phases, steps } = phasesOf(desired(), PUBLISHED);
    assert.deepEqual(phases, ['start', 'healthy', 'switch', 'settle', 'drain', 'retire']);
    assert.ok(steps > 10);
  });

  test('handover: those of the stand-in come before those of its successor', () => {
    const { phases, steps } = phasesOf(handover(), PUBLISHED);
    assert.deepEqual(phases, ['stand-in', 'switch', 'settle', 'drain', 'replace', 'healthy', 'retire']);
    assert.ok(steps > 20);
  });

  test('stop-first, with and without a rehearsal and a backup', () => {
    const { choice } = stopFirst();
    const backup = { volumes: ['data'], keep: 1, fillFrom: undefined };
    const rehearsed = stopFirst({ choice: { ...choice, rehearse: true } });
    const all = phasesOf({ ...rehearsed, backup }, PUBLISHED).phases;
    const copies = all.includes('backup') ? ['backup'] : [];
    assert.deepEqual(all, ['rehearsal', 'stop', ...copies, 'start', 'healthy', 'settle', 'retire']);
    assert.deepEqual(phasesOf(stopFirst(), PUBLISHED).phases, ['stop', 'start', 'healthy', 'settle', 'retire']);
  });

  test('where a slot lives with others, their move is part of the phase that it falls into', () => {
    const dependents = [{ name: 'sidecar', on: 'old', inside: true }];
    const { phases } = phasesOf(desired(), observed({ dependents }));
    assert.deepEqual(phases, phasesOf(desired(), observed()).phases);
  });
});

suite('a roll that goes back', () => {
  test('is in the phase undo from its first step on, and stays there', () => {
    const failed = candidate({ running: true, startedAt: 3, verdict: UNHEALTHY });
    const decision = plan(desired(), observed({ candidate: failed }));
    assert.ok(decision.kind === 'act' && decision.undoing);
    assert.equal(decision.step.kind, 'remember-failure');
    assert.equal(nextPhase('healthy', decision.step, 'start-first', true), 'undo');
    for (const step of expectedSteps(desired(), observed({ candidate: failed })))
      assert.equal(nextPhase('undo', step, 'start-first', false), 'undo', step.kind);
  });

  test('is recognised by its steps where another process takes it back', () => {
    const half = observed({
      incumbent: replica({ name: NAMES.old, running: false }),
      candidate: candidate({
        name: NAMES.slotName,
        strategy: 'stop-first',
        roll: 'another',
        current: false,
        complete: false,
      }),
    });
    const steps = expectedSteps(stopFirst({ recoveryOnly: true }), half);
    assert.ok(steps.length > 1);
    let phase: RollPhase | undefined;
    for (const step of steps) phase = nextPhase(phase, step, 'stop-first', false);
    assert.equal(phase, 'undo');
  });
});

test('every phase has a line of its own in each strategy that fits beside its time on a narrow terminal', () => {
  for (const way of STRATEGIES) {
    const lines = PHASES[way].map((phase) => describePhase(phase, 'web', way));
    assert.equal(new Set(lines).size, lines.length);
    for (const line of lines) assert.ok(line.length <= 59 && line.includes('web'), line);
  }
});

test('a phase that is over is not opened again by a step that comes twice or late', () => {
  const settle = { kind: 'settle', container: 'new', name: 'web', brief: true } as const;
  assert.equal(nextPhase('healthy', settle, 'handover', false), 'healthy');
  assert.equal(nextPhase('settle', settle, 'start-first', false), 'settle');
  assert.equal(nextPhase('retire', settle, 'start-first', false), 'retire');
});
