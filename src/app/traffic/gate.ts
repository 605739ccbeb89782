import type { Container } from '../../core/model/container.ts';
import { messageOf } from '../../core/model/error.ts';
import { isRedirectedBack, servingBeside } from '../../core/rollout/address-redirect.ts';
import { isPartlyRedirectedBack } from '../../core/rollout/share.ts';
import type { Slot } from '../../core/service/service.ts';
import { mayBeInForce } from '../../core/traffic/kernel-layer.ts';
import { type Joined, knownAddresses } from '../../core/traffic/routes.ts';
import type { Bridge, Process, RedirectStart } from '../../ports/ports.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { named, type Snapshot } from '../rollout/snapshot.ts';
import { keepRedirecting, stopRenewing } from './address-redirect.ts';
import { goWithout } from './without-rules.ts';

/**
 * The gate blocks clients from a container until it is healthy: the engine's DNS names it from its start on, and proxies choose it. New
 * connections to its addresses are redirected to a serving container; in its own network namespace the rest is rejected.
 */

// A swapctl that dies must not leave a container blocked for long.
const LIFETIME_MS = 30_000;
const RENEW_BEFORE_MS = 15_000;

/** Starts a container behind the gate, which exists before any client can reach the container. */
export async function startGated(run: SlotRun, id: string, snapshot: Snapshot): Promise<void> {
  const gate = run.forwards ? await gateOf(run, id, snapshot) : undefined;
  const joined: Joined | undefined = gate && ((networks) => redirect(run, gate, { id, networks }));
  // A container that failed to start before may get another address.
  await stopRenewing(run, id);
  if (gate) await hold(run, id, gate);
  try {
    await run.ports.engine.start(id, joined);
    if (gate && !isRedirected(run, id)) await redirectStarted(run, id, gate);
    await shut(run, id);
  } finally {
    // A redirect has ended it.
    if (isRedirected(run, id)) run.memory.holds.delete(id);
    else if (gate) await endHold(run, id);
  }
}

async function redirectStarted(run: SlotRun, id: string, gate: Gate): Promise<void> {
  const container = await run.ports.engine.container(id);
  if (container?.status === 'running') await redirect(run, gate, container);
}

/** Renews the gate of a container that a dead roll left waiting. */
export async function adoptGate(run: SlotRun, id: string, snapshot: Snapshot): Promise<void> {
  const container = named(id, snapshot);
  const isKept = isRedirectedBack(snapshot.seen, id) && !isRedirected(run, id);
  // In the middle of a canary it has restarted.
  if (!container || !(isKept || isPartlyRedirectedBack(snapshot.seen, container))) return;
  const gate = await gateOf(run, id, snapshot);
  if (gate) await redirect(run, gate, container);
  await shut(run, id);
}

function isRedirected({ memory }: SlotRun, id: string): boolean {
  return memory.renewals.has(id);
}

/** The container that answers for a gated one, and the other data needed before its start. */
interface Gate {
  readonly name: string;
  readonly to: Container;
  readonly bridges: readonly Bridge[];
}

async function gateOf({ ports }: SlotRun, id: string, snapshot: Snapshot): Promise<Gate | undefined> {
  const to = named(servingBeside(snapshot.seen, id)?.id ?? '', snapshot);
  return to && { name: named(id, snapshot)?.name ?? id, to, bridges: await ports.engine.bridges() };
}

async function redirect(run: SlotRun, { name, to, bridges }: Gate, from: RedirectStart): Promise<void> {
  try {
    await keepRedirecting(run, { from, name, to, bridges });
  } catch (error) {
    const text = `connections to ${name} are rejected until it is healthy, not redirected to ${to.name}`;
    await goWithout(run, to, text, error);
  }
}

// Longer than a start takes, but short, since new addresses of other containers wait as well.
const HOLD_MS = 10_000;

// The engine may report the addresses only when clients already reach them.
async function hold(run: SlotRun, id: string, { name, to: beside, bridges }: Gate): Promise<void> {
  const { engine, kernel } = run.ports;
  try {
    const known = knownAddresses(await engine.list(), beside);
    if (!known) return;
    run.memory.holds.add(id);
    await kernel.hold(id, beside, bridges, known, HOLD_MS);
  } catch (error) {
    await goWithout(run, beside, `${name} may refuse connections for a moment after its start`, error);
  }
}

/** Ends the hold on new addresses for a start during which a roll died. */
export async function endForeignHolds(run: SlotRun, { incumbent, candidate, standIn }: Snapshot): Promise<void> {
  if (!run.movesTraffic || !(candidate ?? standIn)) return;
  for (const one of [incumbent, candidate, standIn]) if (one) await endHold(run, one.id);
}

/** Ends the remaining holds of this run, after an earlier failure of nft. */
export async function endOwnHolds(run: SlotRun): Promise<void> {
  for (const id of [...run.memory.holds]) await endHold(run, id);
}

async function endHold({ ports: { kernel, report }, memory }: SlotRun, id: string): Promise<void> {
  try {
    await kernel.endHold(id);
    memory.holds.delete(id);
  } catch (error) {
    report({ kind: 'debug', text: `connections wait for ${HOLD_MS / 1000} s: ${messageOf(error)}` });
  }
}

/** Makes a container reject connections that are not redirected. */
export async function shut(run: SlotRun, id: string): Promise<void> {
  const container = await run.ports.engine.container(id);
  if (!container || container.pid <= 0) return;
  try {
    await run.ports.kernel.shut(container, { lifetimeMs: LIFETIME_MS, fresh: true });
    run.memory.shut.set(id, run.ports.clock.now() + LIFETIME_MS);
  } catch (error) {
    // A later step opens a container that was blocked before.
    if (!run.memory.shut.has(id)) await undoShut(run, container, error);
    await goWithout(run, container, `${container.name} can be reached before it is healthy`, error);
  }
}

/**
 * Opens a container that may be blocked in spite of the error: an nft that was killed or hung may have done its work, and no later step
 * would open a container that is not known to be blocked.
 */
export async function undoShut(
  run: SlotRun,
  container: Process & { readonly name: string },
  error: unknown,
): Promise<void> {
  if (!mayBeInForce(error)) return;
  await run.ports.kernel.open(container).catch((raised) => {
    const text = `${container.name} may reject new connections for ${LIFETIME_MS / 1000} s`;
    return goWithout(run, container, text, raised);
  });
}

/** Renews the gate of a container while it becomes healthy. */
export async function keepShut(run: SlotRun, id: string): Promise<void> {
  const until = run.memory.shut.get(id);
  if (until !== undefined && until - run.ports.clock.now() < RENEW_BEFORE_MS) await shut(run, id);
}

/** A dead process may have blocked new connections to any running container, and the kernel continues that for a while. */
export function distrustGates({ members }: Slot, memory: SlotRun['memory']): void {
  for (const { id, status } of members) if (status === 'running') memory.rejecting.add(id);
}
