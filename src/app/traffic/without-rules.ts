import { messageOf } from '../../core/model/error.ts';
import { RuleError } from '../../core/traffic/kernel-layer.ts';
import type { Process } from '../../ports/ports.ts';
import type { SlotRun } from '../rollout/slot-run.ts';

/**
 * Reports the missing protection of a roll when a rule for a container could not be set. A failure of nft is a note, also in the report;
 * a container that has ended meanwhile, or has no address, needs no rule.
 */
export async function goWithout(run: SlotRun, container: Process, what: string, error: unknown): Promise<void> {
  const text = `${what}: ${messageOf(error)}`;
  if (error instanceof RuleError && (await stillRuns(run, container))) noteOnce(run, text);
  else run.ports.report({ kind: 'debug', text });
}

/** Reports a note at once and in the report of the slot, but only once. */
export function noteOnce({ memory, ports }: SlotRun, text: string): void {
  if (memory.notes.has(text)) return;
  memory.notes.add(text);
  ports.report({ kind: 'note', text });
}

// The next observation handles an engine that does not answer now.
async function stillRuns({ ports }: SlotRun, { id, pid }: Process): Promise<boolean> {
  const now = await ports.engine.container(id).catch(() => undefined);
  return now?.status === 'running' && now.pid === pid;
}
