import type { Container } from '../../core/model/container.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { messageOf } from '../../core/model/error.ts';
import type { Step } from '../../core/rollout/step.ts';
import { mayBeInForce, RuleError } from '../../core/traffic/kernel-layer.ts';
import type { AddressRedirect } from '../../core/traffic/routes.ts';
import type { Bridge, RedirectEnd, RedirectStart } from '../../ports/ports.ts';
import { noteAway } from '../rollout/outage.ts';
import type { Renewal, SlotRun } from '../rollout/slot-run.ts';
import { linger } from './linger.ts';
import { sweepRules } from './sweep.ts';
import { goWithout, noteOnce } from './without-rules.ts';

// Renewed while this process lives, and over soon after its death: once the incumbent has stopped, the engine may give its address to
// another container, whose connections must not be redirected.
const LIFETIME_MS = 12_000;
const RENEW_EVERY_MS = 3000;

/**
 * Redirects new connections to a container's addresses to another. If that fails the roll continues without: clients then reach the first
 * one until it rejects them.
 */
export async function redirectAddress(
  run: SlotRun,
  step: Extract<Step, { kind: 'forward' }>,
  from: Container | undefined,
  to: Container,
): Promise<void> {
  const { name } = step;
  try {
    if (from?.status !== 'running') return note(run, step, 'impossible');
    await keepRedirecting(run, { from, name, to, bridges: await run.ports.engine.bridges() });
    note(run, step, 'over');
  } catch (error) {
    note(run, step, 'impossible');
    noteAway(run, error);
    await goWithout(run, to, `no address redirect from ${name} to ${to.name}`, error);
  }
}

/** An address redirect; `name` is that of the first container. */
interface ActiveRedirect {
  readonly from: RedirectStart;
  readonly name: string;
  readonly to: RedirectEnd;
  readonly bridges: readonly Bridge[];
  /** The share of new connections; undefined: all. */
  readonly percent?: number;
}

/** Leads new connections to a container's addresses to another, and goes on with it until stopRenewing. */
export async function keepRedirecting(
  run: SlotRun,
  { from, name, to, bridges, percent }: ActiveRedirect,
): Promise<void> {
  const { kernel } = run.ports;
  await stopRenewing(run, from.id);
  try {
    await kernel.redirectAddress(from, to, bridges, LIFETIME_MS, { percent });
    run.memory.redirected.set(from.id, from);
  } catch (error) {
    // The sweep at the end removes it after its expiry: no observation sees it then.
    if (mayBeInForce(error)) run.memory.redirected.set(from.id, from);
    throw error;
  }
  const again = (): Promise<void> => kernel.redirectAddress(from, to, bridges, LIFETIME_MS, { again: true, percent });
  run.memory.renewals.set(from.id, renewing(run, `the address redirect from ${name}`, again));
}

function note(
  run: SlotRun,
  { container: from, to }: Extract<Step, { kind: 'forward' }>,
  state: AddressRedirect['state'],
): void {
  run.memory.forwards.push({ from, to, state });
}

/** Renews a redirect from now on. If two renewals fail one after the other, it is about to end. */
export function renewing(run: SlotRun, what: string, redirect: () => Promise<void>): Renewal {
  const { clock, report } = run.ports;
  const ended = new AbortController();
  const renew = async (): Promise<void> => {
    let failed = false;
    for (;;) {
      await clock.sleep(RENEW_EVERY_MS, ended.signal);
      if (ended.signal.aborted) return;
      try {
        await redirect();
        failed = false;
      } catch (error) {
        const text = `${what} can't be renewed: ${messageOf(error)}`;
        if (failed) noteOnce(run, text);
        else report({ kind: 'debug', text });
        failed = true;
      }
    }
  };
  const over = renew();
  return {
    stop: () => {
      ended.abort();
      return over;
    },
  };
}

/** Lets the redirect from a container (or every redirect) end with its lifetime. */
export async function stopRenewing({ memory: { renewals } }: SlotRun, from?: string): Promise<void> {
  const found = [...renewals].filter(([container]) => from === undefined || container === from);
  for (const [container, renewal] of found) {
    renewals.delete(container);
    await renewal.stop();
  }
}

// A container that ended in its canary answers no more, so its own share is redirected as well.
async function redirectRest(
  run: SlotRun,
  { from, name }: Extract<Step, { kind: 'end-forward' }>,
  [share]: readonly AddressRedirect[],
): Promise<void> {
  const { engine } = run.ports;
  const start = run.memory.redirected.get(from);
  const to = share?.state === 'leads' ? await engine.container(share.to) : undefined;
  if (!start || to?.status !== 'running') return;
  try {
    await keepRedirecting(run, { from: start, name, to, bridges: await engine.bridges() });
  } catch (error) {
    await goWithout(run, to, `a share of the connections to the address of ${name} fails`, error);
  }
}

/** Leads new connections no more; what was led goes on. */
export async function endAddressRedirect(
  run: SlotRun,
  step: Extract<Step, { kind: 'end-forward' }>,
  addressRedirects: readonly AddressRedirect[],
): Promise<void> {
  const { kernel, report, engine } = run.ports;
  const shares = addressRedirects.filter(({ from, percent }) => from === step.from && percent !== undefined);
  run.memory.forwards.push(...shares.map((one) => ({ ...one, state: 'over' as const })));
  if (step.linger) {
    await redirectRest(run, step, shares);
    await linger(run, step);
  }
  await stopRenewing(run, step.from);
  await endGates(run, step.from);
  const left = await kernel.endAddressRedirect(step.from, (id) => engine.container(id));
  // After a canary both containers may still run, so clearExpired removes the rest of it.
  if (left === 0 || shares.length === 0) run.memory.redirected.delete(step.from);
  if (left === 0) return;
  const text = `${left} connection${left > 1 ? 's' : ''} that began at the address of ${step.name} go${left > 1 ? '' : 'es'} on; what leads there ends with ${left > 1 ? 'them' : 'it'}`;
  report({ kind: 'note', text });
}

// Connections that a gate redirected to a container end with it.
async function endGates({ ports: { kernel, engine }, memory }: SlotRun, other?: string): Promise<void> {
  for (const id of [...memory.redirected.keys()]) {
    if (id === other || memory.renewals.has(id)) continue;
    if ((await kernel.endAddressRedirect(id, (one) => engine.container(one))) === 0) memory.redirected.delete(id);
  }
}

/**
 * Ends the redirect of a container's own addresses. The rules stay for redirected connections, until their last packet, and clearExpired
 * removes them.
 */
export async function endRedirectsFrom(run: SlotRun, id: string): Promise<void> {
  await stopRenewing(run, id);
  await run.ports.kernel.haltAddressRedirect(id);
}

/**
 * Removes redirects of this run that no step has ended: they expire if the engine was away for longer than their lifetime. Rules that
 * can't be removed now do no harm, so the roll does not fail for them.
 */
export async function clearExpired(run: SlotRun): Promise<void> {
  if (run.memory.redirected.size === 0) return;
  try {
    await endGates(run);
    await sweepRules(run.ports);
  } catch (error) {
    const text = `rules that redirect no new connection are left to the next roll: ${messageOf(error)}`;
    if (error instanceof RuleError) noteOnce(run, text);
    else if (error instanceof EngineError) run.ports.report({ kind: 'debug', text });
    else throw error;
  }
}
