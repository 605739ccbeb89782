import { SwapError } from '../../core/model/error.ts';
import type { SlotRun } from '../rollout/slot-run.ts';

// The time for a proxy to be restarted or re-created.
const LONGEST_MS = 30_000;
const PAUSE_MS = 500;
const NEVER = new AbortController().signal;

/** Asks a proxy again while it is out of reach: in the middle of a roll it may be restarting. An interruption ends the wait. */
export async function patiently<T>(run: SlotRun, call: () => Promise<T>): Promise<T> {
  const { clock, report } = run.ports;
  const signal = run.memory.giveUp ? NEVER : run.signal;
  let since: number | undefined;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isUnreachable(error) || signal.aborted || run.memory.proxyAway) throw error;
      if (since === undefined) report({ kind: 'note', text: waiting(run, error) });
      since ??= clock.now();
      if (clock.now() - since >= LONGEST_MS) throw error;
      await clock.sleep(PAUSE_MS, signal);
    }
  }
}

/** True if an error says that a proxy is out of reach. */
export function isUnreachable(error: unknown): error is SwapError {
  return error instanceof SwapError && error.code === 'proxy-unreachable';
}

function waiting({ names, proxy }: SlotRun, { message }: SwapError): string {
  return `${names.slotName}: the proxy ${proxy?.name} is out of reach; waiting for it, at most ${LONGEST_MS / 1000} s (${message})`;
}
