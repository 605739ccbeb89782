import type { Container } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import { RuleError } from '../../core/traffic/kernel-layer.ts';
import type { AddressRedirect, PortRedirect } from '../../core/traffic/routes.ts';
import type { Kernel } from '../../ports/ports.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { noteOnce } from './without-rules.ts';

/** The redirect of the slot's ports. Only a handover has one; otherwise the kernel need not be asked. */
export async function portRedirectOf(run: SlotRun, standIn: Container | undefined): Promise<PortRedirect> {
  const concerned = run.desired.choice.strategy === 'handover' || standIn !== undefined;
  if (!concerned) return 'none';
  try {
    return await run.ports.kernel.portRedirect(run.names.slotName);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    if (!standIn) return unreadable(run, error);
    const message = `${run.names.slotName}: its ports may be redirected to ${standIn.name}, and that can't be read: ${error.message}`;
    return fail('attention', message, { hint: `${error.hint}; then run swapctl recover`, cause: error });
  }
}

/** The address redirects of a slot. Those of a dead roll count as well, so the kernel is asked whenever there may be any. */
export async function addressRedirectsOf(
  run: SlotRun,
  containers: readonly Container[],
  replaced: string | undefined,
): Promise<AddressRedirect[]> {
  const { memory, movesTraffic, desired } = run;
  const alone = containers.length < 2 && memory.created.size === 0 && !desired.recoveryOnly;
  if (!movesTraffic || alone) return [];
  const ids = [
    ...containers.map((container) => container.id),
    ...memory.redirected.keys(),
    ...(replaced ? [replaced] : []),
  ];
  const known = (short: string): string => ids.find((id) => id.startsWith(short)) ?? short;
  const active = (await addressRedirectsNow(run, ids)).map(({ from, to, percent }) => ({
    from: known(from),
    to: known(to),
    state: 'leads' as const,
    percent,
  }));
  const isInForce = ({ from, to, percent }: AddressRedirect): boolean =>
    active.some((one) => one.from === from && one.to === to && one.percent === percent);
  const past = memory.forwards.filter((one) => !isInForce(one));
  return [...active, ...past];
}

// Unreadable redirects can't be renewed either, and end by themselves.
async function addressRedirectsNow(run: SlotRun, ids: readonly string[]): ReturnType<Kernel['addressRedirects']> {
  try {
    return await run.ports.kernel.addressRedirects(ids);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    noteOnce(run, `${run.names.slotName}: its address redirects can't be read: ${error.message}`);
    return [];
  }
}

// Before this run has created anything, the incumbent serves as before; later, the target of new connections is unknown.
function unreadable({ names, memory, desired }: SlotRun, error: RuleError): never {
  if (memory.created.size === 0 && !desired.recoveryOnly) throw error;
  const message = `the kernel's rules for ${names.slotName} could not be read in the middle of its roll: ${error.message}`;
  return fail('attention', message, { hint: `${error.hint}; then run swapctl recover`, cause: error });
}
