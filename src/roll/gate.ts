import { RuleError } from '../core/kernel-layer.ts';
import type { Process } from '../ports.ts';
import type { SlotRun } from './slot-run.ts';
import { goWithout } from './without-rules.ts';

// A swapctl that dies must not leave a container shut for long.
const LIFETIME_MS = 30_000;
const RENEW_BEFORE_MS = 15_000;

/**
 * Keeps a container that has just started from being reached before it is healthy: the engine's DNS names it from its
 * start on. Where that fails the roll goes on without, as clients then meet a container that is not ready.
 */
export async function shut(run: SlotRun, id: string): Promise<void> {
  const container = await run.ports.engine.container(id);
  if (!container || container.pid <= 0) return;
  try {
    await run.ports.kernel.shut(container, { lifetimeMs: LIFETIME_MS, fresh: true });
    run.memory.shut.set(id, run.ports.clock.now() + LIFETIME_MS);
  } catch (error) {
    // One that was shut before is opened by a later step.
    if (!run.memory.shut.has(id)) await undoShut(run, container, error);
    await goWithout(run, container, `${container.name} can be reached before it is healthy`, error);
  }
}

/**
 * Opens a container if it may be shut all the same: an nft that was killed or hung may have done its work before, and no later step
 * would open what is not known to be shut.
 */
export async function undoShut(
  run: SlotRun,
  container: Process & { readonly name: string },
  error: unknown,
): Promise<void> {
  if (!(error instanceof RuleError) || !UNCERTAIN.includes(error.trouble.kind)) return;
  await run.ports.kernel.open(container).catch((raised) => {
    const text = `${container.name} may reject new connections for ${LIFETIME_MS / 1000} s`;
    return goWithout(run, container, text, raised);
  });
}

const UNCERTAIN: readonly string[] = ['killed', 'timeout'];

/** Renews what keeps a container shut, while it is waited for. */
export async function keepShut(run: SlotRun, id: string): Promise<void> {
  const until = run.memory.shut.get(id);
  if (until !== undefined && until - run.ports.clock.now() < RENEW_BEFORE_MS) await shut(run, id);
}
