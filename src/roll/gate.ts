import { isLedBack, servingBeside } from '../core/forward.ts';
import { RuleError } from '../core/kernel-layer.ts';
import type { Joined } from '../core/traffic.ts';
import type { Bridge, ForwardStart, Process } from '../ports.ts';
import { keepForwarding } from './forward.ts';
import type { SlotRun } from './slot-run.ts';
import { named, type Snapshot } from './snapshot.ts';
import { goWithout } from './without-rules.ts';

/**
 * The gate keeps clients from a container until it is healthy: the engine's DNS names it from its start on, and proxies pick it. New
 * connections to its addresses are redirected to a container that serves; in its own network namespace the rest is rejected.
 */

// A swapctl that dies must not leave a container shut for long.
const LIFETIME_MS = 30_000;
const RENEW_BEFORE_MS = 15_000;

/** Starts a container behind the gate, which is there before its process, as far as the engine allows. */
export async function startGated(run: SlotRun, id: string, snapshot: Snapshot): Promise<void> {
  const redirect = run.forwards ? await redirectOf(run, id, snapshot) : undefined;
  const joined: Joined | undefined = redirect && ((networks) => redirect({ id, networks }));
  await run.ports.engine.start(id, joined);
  if (redirect && !run.memory.renewals.has(id)) await redirectStarted(run, id, redirect);
  await shut(run, id);
}

async function redirectStarted(run: SlotRun, id: string, redirect: Redirect): Promise<void> {
  const container = await run.ports.engine.container(id);
  if (container?.status === 'running') await redirect(container);
}

/** Goes on with the gate of a container that a dead roll has left waiting. */
export async function adoptGate(run: SlotRun, id: string, snapshot: Snapshot): Promise<void> {
  const container = named(id, snapshot);
  if (!container || !isLedBack(snapshot.seen, id) || run.memory.renewals.has(id)) return;
  await (await redirectOf(run, id, snapshot))?.(container);
  await shut(run, id);
}

type Redirect = (from: ForwardStart) => Promise<void>;

// All that can be known before the start is looked up here.
async function redirectOf(run: SlotRun, id: string, snapshot: Snapshot): Promise<Redirect | undefined> {
  const to = named(servingBeside(snapshot.seen, id)?.id ?? '', snapshot);
  const name = named(id, snapshot)?.name ?? id;
  if (!to) return undefined;
  const bridges: readonly Bridge[] = await run.ports.engine.bridges();
  return async (from) => {
    try {
      await keepForwarding(run, { from, name, to, bridges });
    } catch (error) {
      await goWithout(
        run,
        to,
        `connections to ${name} are rejected until it is healthy, not redirected to ${to.name}`,
        error,
      );
    }
  };
}

/** Has a container reject what is not redirected. */
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
