import type { Container } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import type { Step } from '../../core/rollout/step.ts';
import type { Bridge } from '../../ports/ports.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import type { Snapshot } from '../rollout/snapshot.ts';
import { keepRedirecting } from './address-redirect.ts';
import { sharePortRedirect } from './port-redirect.ts';
import { goWithout } from './without-rules.ts';

type ShareStep = Extract<Step, { kind: 'share' }>;

/**
 * Gives a container behind the gate a share of the new connections to the slot's addresses and ports. The other connections to its own
 * address continue to the incumbent. Raises RuleError if nft fails: a roll must not go on without its canary.
 */
export async function share(run: SlotRun, step: ShareStep, snapshot: Snapshot): Promise<void> {
  const { engine, kernel } = run.ports;
  const { container, name, from, percent } = step;
  const [young, old] = await Promise.all([engine.container(container), engine.container(from)]);
  // The next observation shows its state.
  if (!young || young.pid <= 0) return;
  const bridges = await engine.bridges();
  if (percent === 0) return endShare(run, step, young, old, bridges);
  if (!old || old.pid <= 0) return fail('step-failed', 'the old container does not run');
  // Until the next call the gate redirects all of its connections to the old container.
  await kernel.open(young);
  run.memory.shut.delete(container);
  await keepRedirecting(run, { from: young, name, to: old, bridges, percent: 100 - percent });
  if (container === snapshot.standIn?.id) await sharePortRedirect(run, snapshot, percent);
  await keepRedirecting(run, { from: old, name: old.name, to: young, bridges, percent });
  run.memory.forwards.push({ from, to: container, state: 'over', percent });
}

// Without the rule the undo goes on: connections that still arrive are drained.
async function endShare(
  run: SlotRun,
  { name, from }: ShareStep,
  young: Container,
  old: Container | undefined,
  bridges: readonly Bridge[],
): Promise<void> {
  try {
    if (!old || old.pid <= 0) fail('step-failed', 'the old container does not run');
    await keepRedirecting(run, { from: young, name, to: old, bridges });
  } catch (error) {
    run.memory.forwards.push({ from: young.id, to: from, state: 'impossible' });
    await goWithout(run, young, `${name} gets new connections until it stops`, error);
  }
}
