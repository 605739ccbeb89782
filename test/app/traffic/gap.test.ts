import assert from 'node:assert/strict';
import test from 'node:test';
import { freshMemory, type SlotRun } from '../../../src/app/rollout/slot-run.ts';
import { noteGap } from '../../../src/app/traffic/gap.ts';
import type { Observed } from '../../../src/core/rollout/observed.ts';
import { candidate, healthyCandidate, NAMES, observed, replica, WAITING } from '../../core/builders.ts';

const SERVED = replica({ verdict: WAITING });
const STOPPED = replica({ name: NAMES.old, running: false });

// The observations of a stop-first roll, with their times.
function gapOf(...looks: readonly (readonly [at: number, seen: Observed])[]): number {
  let now = 0;
  const run = { memory: freshMemory(), ports: { clock: { now: () => now } } } as unknown as SlotRun;
  for (const [at, seen] of looks) {
    now = at;
    noteGap(run, seen, at - 100);
  }
  return run.memory.gap.ms;
}

test('the gap is counted where the incumbent has only a check by label, which no step of the roll runs', () => {
  const gap = gapOf(
    [1000, observed({ incumbent: SERVED, candidate: candidate() })],
    [2000, observed({ incumbent: STOPPED, candidate: candidate() })],
    [3000, observed({ incumbent: STOPPED, candidate: healthyCandidate() })],
  );
  assert.equal(gap, 1100);
});

test('an incumbent that this run has just started does not answer before its check says so', () => {
  const back = replica({ verdict: WAITING, starts: 1 });
  const gap = gapOf([1000, observed()], [2000, observed({ incumbent: back })], [3000, observed()]);
  assert.equal(gap, 1100);
});

test('the gap lasts until what lives in its namespaces answers, whatever its own container does', () => {
  const inside = (on: string) => [{ name: 'torrent', on, inside: true }];
  const gap = gapOf(
    [1000, observed({ dependents: inside('old') })],
    [2000, observed({ incumbent: STOPPED, candidate: candidate(), dependents: inside('old') })],
    [3000, observed({ incumbent: STOPPED, candidate: healthyCandidate(), dependents: inside('old') })],
    [4000, observed({ incumbent: STOPPED, candidate: healthyCandidate(), dependents: inside('new') })],
  );
  assert.equal(gap, 2100);
});

test('what is only linked to it answers by itself', () => {
  const dependents = [{ name: 'app', on: 'old', inside: false }];
  const gap = gapOf(
    [1000, observed({ dependents })],
    [2000, observed({ incumbent: STOPPED, candidate: candidate(), dependents })],
    [3000, observed({ incumbent: STOPPED, candidate: healthyCandidate(), dependents })],
    [4000, observed({ incumbent: STOPPED, candidate: healthyCandidate(), dependents })],
  );
  assert.equal(gap, 1100);
});
