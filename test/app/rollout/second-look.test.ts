// A user acts between swapctl's decision to stop or remove a container and the call.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { slotNames } from '../../../src/core/service/names.ts';
import { assertSafe } from '../../matrix/checks.ts';
import { type ActionName, doAction } from '../../matrix/people.ts';
import { SETUPS, type SetupName } from '../../matrix/setups.ts';
import { boxAt, command, recovered, type Stage, stageOf } from '../../matrix/stage.ts';
import type { Box } from '../../memory/machine.ts';
import type { Process } from '../../memory/process.ts';

type Kind = 'stop' | 'remove';

// More calls than a roll makes.
const MOST_CALLS = 400;

/** Performs an action at the first call after the process has announced a step of that kind. */
function onceAnnounced(stage: Stage, process: Process, kind: Kind, action: ActionName): { done: boolean } {
  const state = { done: false };
  const act = async (): Promise<void> => {
    const last = process.progress.at(-1);
    if (state.done || last?.kind !== 'step' || last.step.kind !== kind) return;
    state.done = await doAction(stage, action);
  };
  for (let nth = 1; nth <= MOST_CALLS; nth++) process.before(undefined, nth, act);
  return state;
}

/** Records if the old container was ever stopped, or removed, while the new one was down. */
function watchHarm(stage: Stage, kind: Kind): { done: boolean } {
  const state = { done: false };
  stage.machine.clock.watch(() => {
    const old = incumbentOf(stage);
    const isThere = kind === 'stop' ? old?.status === 'running' : old !== undefined;
    if (!isThere && boxAt(stage, stage.own[0] ?? '')?.status !== 'running') state.done = true;
  });
  return state;
}

function incumbentOf({ machine, before, own }: Stage): Box | undefined {
  return machine.boxes.get(before.get(own[0] ?? '') ?? '');
}

async function disturbed(stage: Stage, kind: Kind, action: ActionName): Promise<void> {
  const process = stage.open();
  const actions = onceAnnounced(stage, process, kind, action);
  stage.watch.meddled = true;
  const report = await command(stage, process);
  assert.ok(actions.done, 'there was a moment for it');
  assert.ok(report !== 'died', 'it came to an end');
}

async function candidateStopped(setup: SetupName, kind: Kind): Promise<void> {
  const stage = await stageOf(SETUPS[setup]);
  const harm = watchHarm(stage, kind);
  await disturbed(stage, kind, 'new one stopped');
  assert.equal(harm.done, false, 'the old container was there for as long as the new one was down');
  await recovered(stage, stage.open());
  assertSafe(stage, { memories: true, meddled: true, soon: true });
}

suite('the old container stays if a person stops the new one just before the old one would go', () => {
  test('start-first, before it is stopped', () => candidateStopped('start-first', 'stop'));
  for (const setup of ['start-first', 'stop-first'] as const)
    test(`${setup}, before it is removed`, () => candidateStopped(setup, 'remove'));
});

test('an old container with --rm is not stopped while a new one that a person has just removed is not made again', async () => {
  const stage = await stageOf(SETUPS['--rm']);
  const state = { alone: false };
  stage.machine.clock.watch(() => {
    const others = membersOf(stage).filter((box) => box !== incumbentOf(stage));
    if (incumbentOf(stage)?.status !== 'running' && others.length === 0) state.alone = true;
  });
  await disturbed(stage, 'stop', 'new one removed');
  assert.equal(state.alone, false, 'one of the two was there all the time');
  await recovered(stage, stage.open());
  assertSafe(stage, { memories: true, meddled: true, soon: true });
});

function membersOf({ machine, own }: Stage): Box[] {
  const { slotName, next, old } = slotNames(own[0] ?? '');
  return [slotName, next, old].flatMap((name) => machine.names.get(name) ?? []);
}
