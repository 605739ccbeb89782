import type { Container, RestartPolicy } from '../../core/model/container.ts';
import { isNotFound, isStartRefusedByImage } from '../../core/model/engine-error.ts';
import type { Step, StepKind } from '../../core/rollout/step.ts';
import { isReturning } from '../../core/rollout/switch-hooks.ts';
import { drainSlot } from '../proxy/drain.ts';
import { applyRoute } from '../proxy/route.ts';
import { forgetFailure } from '../recovery/failures.ts';
import { HELD } from '../recovery/held.ts';
import { endAddressRedirect, endRedirectsFrom, redirectAddress } from '../traffic/address-redirect.ts';
import { adoptGate, startGated } from '../traffic/gate.ts';
import { clearPortRedirect, endPortRedirect, redirectPorts, renewPortRedirect } from '../traffic/port-redirect.ts';
import { share } from '../traffic/share.ts';
import type { SlotRun } from './slot-run.ts';
import { named, type Snapshot, serving } from './snapshot.ts';
import { awaitEngine, awaitHealthy, NEVER, settle, watchShare } from './steps/await-healthy.ts';
import { backUp, dropBackup, dropCopies, restoreBackup } from './steps/backup.ts';
import { runPostStart, runPreStop } from './steps/compose-hooks.ts';
import { createCandidate, createRehearsal, createStandIn, recreateOld } from './steps/create.ts';
import { runSwitchHooks } from './steps/hooks.ts';
import { rememberFailure } from './steps/remember.ts';
import { removeOwn } from './steps/remove.ts';
import { checkStarts } from './steps/start-check.ts';

type Executor<K extends StepKind> = (
  run: SlotRun,
  step: Extract<Step, { kind: K }>,
  snapshot: Snapshot,
) => Promise<void>;

/** The executor of each kind of step: complete by type, one engine call (or one wait) each, safe to repeat. */
const EXECUTORS: { readonly [K in StepKind]: Executor<K> } = {
  'check-start': checkStarts,
  'create-rehearsal': (run, step, { incumbent }) => createRehearsal(run, serving(run, incumbent), step.name),
  'create-stand-in': (run, step, { incumbent }) => createStandIn(run, serving(run, incumbent), step.name),
  cover: (run, step, snapshot) => redirectPorts(run, snapshot, step.lasting),
  uncover: (run) => endPortRedirect(run),
  'drop-cover': (run) => clearPortRedirect(run),
  'pass-rehearsal': async (run, step) => {
    await removeOwn(run.ports, step.container, 'rehearsal');
    run.memory.rehearsed = true;
  },
  'point-tag': (run, step) => run.ports.engine.tag(step.image, step.reference),
  create: (run, step, { incumbent, seen }) =>
    createCandidate(run, serving(run, incumbent), step, run.desired.tagBefore ?? seen.taggedImage),
  'copy-files': async (run, step, { incumbent }) => {
    const from = serving(run, incumbent);
    for (const path of step.paths) {
      if (await run.ports.engine.copy(from.id, step.container, path)) continue;
      run.ports.report({
        kind: 'note',
        text: `${path} of ${from.name} is not copied: it is no file of the size of a config or secret`,
      });
    }
    run.memory.copied.add(step.container);
  },
  'recreate-old': (run, step, { candidate }) => recreateOld(run, serving(run, candidate), step),
  start: async (run, step, snapshot) => {
    run.memory.starts.set(step.container, (run.memory.starts.get(step.container) ?? 0) + 1);
    const gated = isGated(run, step.container, snapshot);
    const starting = gated ? startGated(run, step.container, snapshot) : run.ports.engine.start(step.container);
    await starting.catch((error) => {
      if (isStartRefusedByImage(error)) run.memory.unstartable.set(step.container, error.message);
      else if (isNotFound(error)) run.memory.starts.delete(step.container);
      throw error;
    });
  },
  open: async (run, step) => {
    const container = await run.ports.engine.container(step.container);
    // A container that has just exited has no namespace to open, and its end explains the failure.
    if (container && container.pid > 0) await run.ports.kernel.open(container);
    // Only afterwards: without the redirect, connections reach the container itself.
    if (run.movesTraffic) await endRedirectsFrom(run, step.container);
    run.memory.shut.delete(step.container);
    run.memory.rejecting.delete(step.container);
  },
  'await-healthy': async (run, step, snapshot) => {
    await adoptGate(run, step.container, snapshot);
    if (isStartedByRoll(run, step.container, snapshot)) await runPostStart(run, step.container);
    await awaitHealthy(run, step.container);
  },
  settle: (run, step) => settle(run, step.container, step),
  'await-engine': (run, step, { standIn }) =>
    awaitEngine(run, step.container, standIn?.id === step.container ? run.signal : NEVER),
  rename: (run, step) => run.ports.engine.rename(step.container, step.to),
  'move-dependents': (run, step) => run.moveDependents(step.names, step.from, step.to),
  forward: (run, step, snapshot) =>
    redirectAddress(run, step, named(step.container, snapshot), serving(run, named(step.to, snapshot))),
  'end-forward': (run, step, { seen }) => endAddressRedirect(run, step, seen.addressRedirects),
  route: (run, step) => applyRoute(run, step),
  canary: (run, step) => watchShare(run, step),
  share,
  'run-hooks': (run) => runSwitchHooks(run),
  'keep-image': (run, step) => run.ports.engine.tag(step.image, step.reference),
  'hold-restart': (run, step, snapshot) => {
    const { held } = run.memory;
    held.set(step.container, held.get(step.container) ?? restartOf(named(step.container, snapshot)));
    return run.ports.engine.setRestart(step.container, HELD);
  },
  'restore-restart': async (run, step, { candidate }) => {
    const { held } = run.memory;
    const policy = candidate ? restartOf(candidate) : held.get(step.container);
    await run.ports.engine.setRestart(step.container, policy ?? { Name: 'no' });
    held.delete(step.container);
  },
  drain: async (run, step, snapshot) => {
    const container = named(step.container, snapshot);
    if (container) await drainSlot(run, container, () => renewPortRedirect(run, step.container, snapshot));
  },
  stop: async (run, step) => {
    await runPreStop(run, step.container);
    await run.ports.engine.stop(step.container);
  },
  remove: (run, step, { rehearsal, standIn, candidate }) => {
    // The volumes that a candidate took over from the incumbent are named, and stay.
    const discard = [rehearsal?.id, standIn?.id, candidate?.id].includes(step.container);
    return run.ports.engine.remove(step.container, { discard });
  },
  'remember-failure': async (run, step, snapshot) => {
    const failed = named(step.container, snapshot);
    if (failed) await rememberFailure(run, failed, snapshot.incumbent ?? failed, step);
  },
  'back-up': (run, step, snapshot) => backUp(run, step, snapshot),
  'put-back': (run, step, snapshot) => restoreBackup(run, step, snapshot),
  'drop-backup': (run, step, { seen }) => dropBackup(run, step, seen.halfCopied),
  'drop-copies': (run, step) => dropCopies(run, step.copies),
  'forget-failure': async (run, step) => {
    if (!(await forgetFailure(run.ports, step.name))) run.memory.leftRecords.add(step.name);
  },
};

/** Does one step. Raises the engine's errors; the caller observes again either way. */
export async function execute(run: SlotRun, step: Step, snapshot: Snapshot): Promise<void> {
  const executor = EXECUTORS[step.kind] as Executor<StepKind>;
  await executor(run, step, snapshot);
}

function restartOf(container: Container | undefined): RestartPolicy {
  return container?.host.RestartPolicy ?? { Name: 'no' };
}

// The memory of a dead roll is gone, so a container that it made counts as just started.
function isStartedByRoll({ memory }: SlotRun, id: string, { candidate, rehearsal, standIn }: Snapshot): boolean {
  return memory.starts.has(id) || [candidate?.id, rehearsal?.id, standIn?.id].includes(id);
}

// With stop-first no other container answers, so no one could take the requests.
function isGated(run: SlotRun, id: string, { seen }: Snapshot): boolean {
  if (!run.gates || !run.policy.gate) return false;
  const isFresh = id === seen.standIn?.id || (id === seen.candidate?.id && seen.candidate.strategy !== 'stop-first');
  return isFresh || isReturning(seen, id);
}
