import { EngineError, isAway } from '../../../core/model/engine-error.ts';
import { fail, messageOf, SwapError } from '../../../core/model/error.ts';
import type { ComposeHook } from '../../../core/service/compose-hooks.ts';
import type { SlotRun } from '../slot-run.ts';

// Compose waits for ever; a hook that hangs must not keep a half-done roll open.
const LONGEST_MS = 300_000;
const MOST_WORDS = 300;

/**
 * Runs compose's `post_start` in a container that this roll has started, once for each start. Raises `step-failed` where a command
 * fails; on the way back the failure is a note, since the old container has to serve again.
 */
export async function runPostStart(run: SlotRun, id: string): Promise<void> {
  const { composeHooks, memory, ports } = run;
  if (composeHooks.postStart.length === 0) return;
  const container = await ports.engine.container(id);
  if (container?.status !== 'running') return;
  const mark = `${id} ${container.startedAt}`;
  if (memory.postStarted.has(mark)) return;
  const why = await failureOf(run, id, 'post_start', composeHooks.postStart);
  memory.postStarted.add(mark);
  if (why === undefined) return;
  if (memory.giveUp) noteOn(run, why);
  else fail('step-failed', why, { hint: 'fix the command in the compose file; the old container serves as before' });
}

/** Runs compose's `pre_stop` in a running container, once. A failure is a note: compose only delays a stop by it, too. */
export async function runPreStop(run: SlotRun, id: string): Promise<void> {
  const { composeHooks, memory, ports } = run;
  if (composeHooks.preStop.length === 0 || memory.preStopped.has(id)) return;
  if ((await ports.engine.container(id))?.status !== 'running') return;
  const why = await failureOf(run, id, 'pre_stop', composeHooks.preStop);
  memory.preStopped.add(id);
  if (why !== undefined) noteOn(run, why);
}

async function failureOf(
  { ports: { engine } }: SlotRun,
  id: string,
  kind: 'post_start' | 'pre_stop',
  hooks: readonly ComposeHook[],
): Promise<string | undefined> {
  for (const { command, ...options } of hooks) {
    try {
      const { exitCode, output } = await engine.exec(id, command, { ...options, timeoutMs: LONGEST_MS });
      if (exitCode !== 0) return `${kind} failed: ${command[0]} ended with ${exitCode}${wordsOf(output)}`;
    } catch (raised) {
      // The step is repeated once the engine is back.
      if (isAway(raised) || !(raised instanceof EngineError || raised instanceof SwapError)) throw raised;
      return `${kind} failed: ${messageOf(raised)}`;
    }
  }
  return undefined;
}

function wordsOf(output: string): string {
  const text = output.trim().slice(0, MOST_WORDS);
  return text === '' ? '' : `: ${text}`;
}

function noteOn({ memory, names, ports }: SlotRun, text: string): void {
  memory.notes.add(text);
  ports.report({ kind: 'note', text: `${names.slotName}: ${text}` });
}
