import type { Container } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import { RuleError } from '../../core/traffic/kernel-layer.ts';
import type { Cover, Forward } from '../../core/traffic/routes.ts';
import type { Kernel } from '../../ports/ports.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { noteOnce } from './without-rules.ts';

/** The redirect of the slot's ports. Only a handover has one; otherwise the kernel need not be asked. */
export async function coverOf(run: SlotRun, standIn: Container | undefined): Promise<Cover> {
  const concerned = run.desired.choice.strategy === 'handover' || standIn !== undefined;
  if (!concerned) return 'none';
  try {
    return await run.ports.kernel.cover(run.names.home);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    if (!standIn) return unreadable(run, error);
    const message = `${run.names.home}: its ports may be redirected to ${standIn.name}, and that can't be read: ${error.message}`;
    return fail('attention', message, { hint: `${error.hint}; then run swapctl recover`, cause: error });
  }
}

/** The address redirects of a slot. Those of a dead roll count as well, so the kernel is asked whenever there may be any. */
export async function forwardsOf(
  run: SlotRun,
  containers: readonly Container[],
  replaced: string | undefined,
): Promise<Forward[]> {
  const { memory, movesTraffic, desired } = run;
  const alone = containers.length < 2 && memory.created.size === 0 && !desired.mendOnly;
  if (!movesTraffic || alone) return [];
  const ids = [
    ...containers.map((container) => container.id),
    ...memory.forwarded.keys(),
    ...(replaced ? [replaced] : []),
  ];
  const known = (short: string): string => ids.find((id) => id.startsWith(short)) ?? short;
  const leading = (await forwardingNow(run, ids)).map(({ from, to, percent }) => ({
    from: known(from),
    to: known(to),
    state: 'leads' as const,
    percent,
  }));
  const isInForce = ({ from, to, percent }: Forward): boolean =>
    leading.some((one) => one.from === from && one.to === to && one.percent === percent);
  const past = memory.forwards.filter((one) => !isInForce(one));
  return [...leading, ...past];
}

// Unreadable redirects can't be renewed either, and end by themselves.
async function forwardingNow(run: SlotRun, ids: readonly string[]): ReturnType<Kernel['forwarding']> {
  try {
    return await run.ports.kernel.forwarding(ids);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    noteOnce(run, `${run.names.home}: its address redirects can't be read: ${error.message}`);
    return [];
  }
}

// Before this run has created anything, the incumbent serves as before; later, the target of new connections is unknown.
function unreadable({ names, memory, desired }: SlotRun, error: RuleError): never {
  if (memory.created.size === 0 && !desired.mendOnly) throw error;
  const message = `the kernel's rules for ${names.home} could not be read in the middle of its roll: ${error.message}`;
  return fail('attention', message, { hint: `${error.hint}; then run swapctl recover`, cause: error });
}
