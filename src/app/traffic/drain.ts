import type { Container } from '../../core/model/container.ts';
import type { DrainedConnections } from '../../core/report/report.ts';
import { formatDuration } from '../../core/text/duration.ts';
import { QUIET_MS, watchConnections } from '../../core/traffic/connections.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { closeIdle } from './close-idle.ts';
import { undoShut } from './gate.ts';
import { goWithout } from './without-rules.ts';

const LOOK_EVERY_MS = 50;
// An observation makes the kernel walk its table of all connections, which takes time on a big machine: the maximum share of observing in
// the wait.
const LOOK_SHARE = 0.1;
// Requests in progress end in this time, or they are long ones, for which the drain time was.
const LAST_CALL_MS = 500;
const REJECTED_MS = 30_000;
const TURN_AWAY_AGAIN_MS = 10_000;

/** The connections of a container at one moment. */
interface Look {
  readonly open: number;
  readonly fromOutside: number;
  /** The number that the drain waits for; all, if idle ones are unknown or must be waited for. */
  readonly busy: number;
  /** True: as far as the kernel shows, no request is in progress. */
  readonly calm: boolean;
  /** The ends of those between two requests; empty if idle ones are unknown or must be waited for. */
  readonly resting: readonly string[];
}

interface Drain {
  readonly look: () => Promise<Look | undefined>;
  /** The result of the observations. */
  readonly sum: (last: Look | undefined) => DrainedConnections | undefined;
}

/**
 * Waits until no connection of the container is busy, at most for the drain time of its policy. If connections can't be counted, it waits
 * the whole time. Just before the end new connections go to the other container of the name, so that an app that exits at once cuts no
 * request; a setting also closes idle ones then. `renew` extends the other container's redirect beyond that.
 */
export async function drain(run: SlotRun, container: Container, renew: () => Promise<void>): Promise<void> {
  const { look, sum } = beginDrain(run, container);
  const { clock } = run.ports;
  const end = clock.now() + run.policy.drainMs;
  const isDone = ({ busy }: Look): boolean => busy === 0;
  let last = await until(run, look, run.policy.drainMs, isDone);
  const turnsAway = run.gates && (await turnAway(run, container, renew));
  const closed = turnsAway && run.policy.drainClose ? await closeIdle(run, container, look) : undefined;
  // While new connections still come, a moment without a request is the best possible result.
  if (turnsAway || (last?.busy === 0 && !last.calm)) last = await until(run, look, LAST_CALL_MS, ({ calm }) => calm);
  // A request that began meanwhile on a kept connection may be long.
  while (last && !isDone(last) && clock.now() < end) {
    if (turnsAway) await turnAway(run, container, renew);
    last = await until(run, look, Math.min(end - clock.now(), TURN_AWAY_AGAIN_MS), isDone);
  }
  const drained = withClosed(sum(last), closed);
  run.memory.drained.set(container.id, drained);
  if (drained) report(run, container, drained);
}

function withClosed(sum: DrainedConnections | undefined, closed: number | undefined): DrainedConnections | undefined {
  return sum && closed !== undefined ? { ...sum, closed } : sum;
}

function report({ ports }: SlotRun, { name }: Container, { idle = 0, cut, closed = 0 }: DrainedConnections): void {
  const tell = (count: number, what: string): void => {
    if (count > 0) ports.report({ kind: 'note', text: `${name}: ${count} connection${count > 1 ? 's' : ''} ${what}` });
  };
  tell(cut, `${cut > 1 ? 'were' : 'was'} still busy when the drain time was over`);
  tell(closed, `${closed > 1 ? 'were' : 'was'} idle and closed before it stops`);
  tell(idle, `${idle > 1 ? 'are' : 'is'} idle and will be closed when it stops`);
}

function beginDrain(run: SlotRun, container: Container): Drain {
  const watched = run.policy.drainIdle ? watchEach(run, container) : undefined;
  const counted = countAll(run, container);
  let knowsIdle = watched !== undefined;
  return {
    look: async () => {
      const seen = knowsIdle ? await watched?.look() : undefined;
      knowsIdle = seen !== undefined;
      return seen ?? counted.look();
    },
    sum: (last) => (knowsIdle ? watched?.sum(last) : counted.sum(last)),
  };
}

// One by one: the drain does not wait for idle connections.
function watchEach({ ports: { traffic, clock } }: SlotRun, container: Container): Drain {
  const watch = watchConnections();
  const began = clock.now();
  const busy = new Set<string>();
  return {
    look: async () => {
      const diagnosis = await traffic.diagnose(container);
      if (!diagnosis.available) return undefined;
      const now = clock.now();
      const { waitedFor, ...seen } = watch(diagnosis.connections, now);
      // Before that, a short request looks like a long one.
      if (now - began >= QUIET_MS) for (const one of waitedFor) busy.add(one);
      return { ...seen, busy: waitedFor.length };
    },
    sum: (last) => last && { idle: last.open - last.busy, busy: Math.max(busy.size, last.busy), cut: last.busy },
  };
}

function countAll({ ports: { traffic } }: SlotRun, container: Container): Drain {
  let most = 0;
  return {
    look: async () => {
      const open = await traffic.connections(container);
      if (open === undefined) return undefined;
      most = Math.max(most, open);
      return { open, fromOutside: open, busy: open, calm: open === 0, resting: [] };
    },
    sum: (last) => last && { busy: most, cut: last.busy },
  };
}

async function until(
  run: SlotRun,
  look: Drain['look'],
  withinMs: number,
  isOver: (seen: Look) => boolean,
): Promise<Look | undefined> {
  const { clock } = run.ports;
  const end = clock.now() + withinMs;
  for (;;) {
    const began = clock.now();
    const seen = await look();
    if (seen) reportWaiting(run, seen.busy, end - began);
    const now = clock.now();
    if ((seen && isOver(seen)) || now >= end) return seen;
    const pause = Math.max(LOOK_EVERY_MS, (now - began) / LOOK_SHARE);
    await clock.sleep(Math.min(pause, end - now));
  }
}

function reportWaiting({ ports, names }: SlotRun, busy: number, mostMs: number): void {
  if (busy === 0) return;
  const what = `${busy} busy connection${busy > 1 ? 's' : ''}, at most ${formatDuration(Math.max(0, mostMs))} more`;
  ports.report({ kind: 'waiting', slot: names.slotName, what });
}

async function turnAway(run: SlotRun, container: Container, renew: () => Promise<void>): Promise<boolean> {
  try {
    await renew();
    await run.ports.kernel.shut(container, { lifetimeMs: REJECTED_MS, fresh: false });
    run.memory.rejecting.add(container.id);
    return true;
  } catch (error) {
    await undoShut(run, container, error);
    await goWithout(run, container, `${container.name} gets new connections until it stops`, error);
    return false;
  }
}
