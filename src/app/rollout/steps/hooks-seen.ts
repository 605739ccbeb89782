import { SwapError } from '../../../core/model/error.ts';
import type { SwitchHooks } from '../../../core/rollout/observed.ts';
import { shownHook } from '../../../core/settings/hooks.ts';
import type { SlotRun } from '../slot-run.ts';

/** The state of a service's hooks in this run. */
export function hooksOf(run: SlotRun): SwitchHooks {
  const due = run.memory.hooks.done ? [] : run.policy.onSwitch.map(shownHook);
  return { due, failed: failedHookOf(run) };
}

function failedHookOf({ memory, policy, names, desired }: SlotRun): SwapError | undefined {
  const [failed] = failedHooks(memory.hooks.results);
  // A rollback is not undone: replicas would end with different versions.
  const goesBack = policy.onSwitchFailure === 'undo' && !desired.back;
  if (!failed || !memory.hooks.done || !goesBack) return undefined;
  const [hook, why] = failed;
  return new SwapError('step-failed', `${names.slotName}: the hook "${hook}" failed: ${why}`);
}

/** The failed hooks, and their errors. */
export function failedHooks(results: ReadonlyMap<string, string | undefined>): [string, string][] {
  return [...results].flatMap(([hook, why]) => (why === undefined ? [] : [[hook, why] as [string, string]]));
}
