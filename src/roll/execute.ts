import type { Container } from '../core/container.ts';
import { fail } from '../core/error.ts';
import type { Step, StepKind } from '../core/step.ts';
import { createCandidate, createRehearsal, recreateOld } from './create.ts';
import { drain } from './drain.ts';
import type { Snapshot } from './observe.ts';
import { rememberFailure } from './remember.ts';
import type { SlotRun } from './slot-run.ts';
import { awaitHealthy, settle } from './watch.ts';

type Executor<K extends StepKind> = (run: SlotRun, step: Extract<Step, { kind: K }>, snapshot: Snapshot) => Promise<void>;

/** How each kind of step is done: complete by type, one engine call (or one wait) each, safe to repeat. */
const EXECUTORS: { readonly [K in StepKind]: Executor<K> } = {
  'create-rehearsal': (run, step, { incumbent }) => createRehearsal(run, serving(run, incumbent), step.name),
  'pass-rehearsal': async (run, step) => {
    await run.ports.engine.remove(step.container, { discard: true });
    run.memory.rehearsed = true;
  },
  'point-tag': (run, step) => run.ports.engine.tag(step.image, step.reference),
  create: (run, step, { incumbent, seen }) => createCandidate(run, serving(run, incumbent), step, run.tagBefore ?? seen.localTag),
  'copy-files': async (run, step, { incumbent }) => {
    const from = serving(run, incumbent);
    for (const path of step.paths) {
      if (await run.ports.engine.copy(from.id, step.container, path)) continue;
      run.ports.report({ kind: 'note', text: `${path} of ${from.name} is not copied: it is no file of the size of a config or secret` });
    }
    run.memory.copied.add(step.container);
  },
  'recreate-old': (run, step, { candidate }) => recreateOld(run, serving(run, candidate), step),
  start: (run, step) => run.ports.engine.start(step.container),
  'await-healthy': (run, step) => awaitHealthy(run, step.container),
  settle: (run, step) => settle(run, step.container),
  rename: (run, step) => run.ports.engine.rename(step.container, step.to),
  'move-dependents': (run, step) => run.moveDependents(step.names, step.from, step.to),
  'keep-image': (run, step) => run.ports.engine.tag(step.image, step.reference),
  // Not 'no': this way a person who finds the container finds (nearly) the policy that it had, and yet the engine leaves
  // a stopped one alone when it starts.
  'hold-restart': (run, step) => run.ports.engine.setRestart(step.container, { Name: 'unless-stopped' }),
  'restore-restart': (run, step, { candidate }) => {
    return run.ports.engine.setRestart(step.container, candidate?.host.RestartPolicy ?? { Name: 'no' });
  },
  drain: async (run, _step, { incumbent }) => {
    if (incumbent) await drain(run, incumbent);
  },
  stop: (run, step) => run.ports.engine.stop(step.container),
  remove: (run, step, { rehearsal }) => run.ports.engine.remove(step.container, { discard: step.container === rehearsal?.id }),
  'remember-failure': async (run, step, snapshot) => {
    const failed = step.container === snapshot.rehearsal?.id ? snapshot.rehearsal : snapshot.candidate;
    if (failed) await rememberFailure(run, failed, snapshot.incumbent ?? failed, 'not-healthy', step.reason);
  },
  'forget-failure': (run, step) => run.ports.engine.remove(step.container),
};

/** Does one step. Raises what the engine raises; the caller looks at the world again either way. */
export async function execute(run: SlotRun, step: Step, snapshot: Snapshot): Promise<void> {
  const executor = EXECUTORS[step.kind] as Executor<StepKind>;
  await executor(run, step, snapshot);
}

function serving(run: SlotRun, container: Container | undefined): Container {
  return container ?? fail('attention', `the container of ${run.names.home} vanished during the roll`, { hint: 'start it anew as you did at first' });
}
