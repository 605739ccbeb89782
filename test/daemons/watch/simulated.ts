// A watch of a made-up world with a simulated clock: a day takes as long as its requests.
import { setImmediate as turn } from 'node:timers/promises';
import type { App } from '../../../src/app/app.ts';
import { dockerTarget } from '../../../src/app/target/docker.ts';
import { concernedBy } from '../../../src/app/update/local-images.ts';
import { scheduledChecksOf } from '../../../src/app/update/scheduled-checks.ts';
import { recoverOptedIn } from '../../../src/app/update/update.ts';
import { EngineError } from '../../../src/core/model/engine-error.ts';
import type { EngineEvent, ImageEvent } from '../../../src/core/model/event.ts';
import { nextCheck } from '../../../src/core/update/schedule.ts';
import { watch } from '../../../src/daemons/watch/watch.ts';
import { type MadeUp, type RollAs, START, update } from '../../app/made-up.ts';

/** An action of a test at an instant. */
export interface Happening {
  readonly at: number;
  readonly what: (watching: Watching) => unknown;
}

export interface Watching {
  /** The log lines above debug, with the minutes since the start. */
  readonly log: { at: number; level: string; text: string; facts: Readonly<Record<string, unknown>> }[];
  /** Rolls: when, and of what. Milliseconds since the epoch. */
  readonly rolls: { at: number; service: string }[];
  /** Why services were rolled, if they were: once for each run. */
  readonly reasons: string[];
  /** The times of registry requests. */
  readonly checks: number[];
  /** The number of connections to an engine. */
  opened: number;
  /** The requested event streams: their first instants. */
  readonly streams: number[];
  asks(what: 'reload' | 'check'): void;
  /** Sends an event to the listeners. */
  tells(event: Partial<Omit<ImageEvent, 'kind'>> & { kind?: EngineEvent['kind'] }): void;
  /** Cuts the stream of events, as a proxy does. */
  cuts(): void;
  ends(): void;
}

export interface Simulation {
  readonly hours: number;
  readonly happenings?: readonly Happening[];
  readonly roll?: RollAs;
  readonly selectors?: readonly string[];
  readonly reload?: () => Promise<void>;
  /** Raised by connecting. */
  readonly refuse?: () => unknown;
}

/** Watches a made-up world for some hours of its clock. */
export async function simulate(world: MadeUp, simulation: Simulation): Promise<Watching> {
  const { hours, happenings = [], selectors = [] } = simulation;
  const end = new AbortController();
  const clock = simulatedClock(world);
  const streams = eventStreams();
  let ask = (_: 'reload' | 'check'): void => {};
  const watching: Watching = {
    log: [],
    rolls: [],
    reasons: [],
    checks: [],
    opened: 0,
    streams: streams.asked,
    asks: (what) => ask(what),
    tells: streams.tell,
    cuts: streams.cut,
    ends: () => end.abort(),
  };
  const firstAsked = (): void => void (world.asked.splice(0).length > 0 && watching.checks.push(world.now));
  const app = appOf(world, watching, streams.events, simulation, { firstAsked, clock });
  let dice = 0;
  let ended = false;
  const running = watch({
    open: async () => {
      watching.opened += 1;
      const refusal = simulation.refuse?.();
      if (refusal) throw refusal;
      return { app, close: streams.cut };
    },
    clock,
    dice: () => {
      dice = (dice + 0.37) % 1;
      return dice;
    },
    log: {
      write: (level, text, facts = {}) =>
        void (level !== 'debug' && watching.log.push({ at: (world.now - START) / 60_000, level, text, facts })),
    },
    signal: end.signal,
    onAsked: (asked) => {
      ask = asked;
    },
    tidy: () => {},
    selectors,
    request: {},
    perService: (because) => {
      watching.reasons.push(because);
      return (_, signal, work) => work({ signal });
    },
  }).finally(() => {
    ended = true;
  });
  running.catch(() => {});
  const script = [...happenings, { at: START + hours * 3_600_000, what: () => end.abort() }];
  for (const { at, what } of script.sort((a, b) => a.at - b.at)) {
    if (ended) break;
    await clock.advanceTo(at);
    await what(watching);
  }
  await clock.advanceTo(world.now + 1000);
  await running;
  return watching;
}

function appOf(
  world: MadeUp,
  watching: Watching,
  events: App['events'],
  { roll, reload }: Simulation,
  { firstAsked, clock }: { firstAsked: () => void; clock: ReturnType<typeof simulatedClock> },
): App {
  const { ports } = world;
  const app: Pick<
    App,
    'recoverOptedIn' | 'scheduledChecks' | 'arrived' | 'nextCheck' | 'update' | 'events' | 'reload' | 'notify'
  > = {
    recoverOptedIn: (selectors, { only, signal }) =>
      recoverOptedIn(ports, dockerTarget(ports), {
        selectors,
        only,
        signal,
        all: false,
        overrides: {},
        firstSeen: undefined,
        absent: true,
      }),
    scheduledChecks: (selectors) =>
      scheduledChecksOf(ports, dockerTarget(ports), { selectors, all: false, overrides: {}, absent: true }),
    arrived: (selectors, { localImages, since }) =>
      concernedBy(ports, { localImages, since, selectors, all: false, overrides: {}, absent: true }),
    // It loads a module, which the clock has to wait for.
    nextCheck: (schedule, after, dice) => clock.waitFor(nextCheck(schedule, after, ports.schedules.next, dice)),
    notify: async () => [],
    update: async (selectors, { only, here, firstSeen = new Map(), signal }) => {
      const { report } = await update(
        world,
        { selectors, only, here, firstSeen, signal, absent: true },
        async (name, found, later) => {
          watching.rolls.push({ at: world.now, service: name });
          return roll?.(name, found, later);
        },
      );
      firstAsked();
      return report;
    },
    events,
    reload: reload ?? (async () => {}),
  };
  return app as App;
}

// ---- the clock

function simulatedClock(world: MadeUp) {
  const sleepers = new Set<{ until: number; wake: () => void }>();
  // The clock moves only after all work of an instant is done; none of it waits for real time.
  const waits = new Set<Promise<unknown>>();
  const settle = async (): Promise<void> => {
    do {
      await Promise.allSettled(waits);
      for (let turns = 0; turns < 12; turns++) await turn();
    } while (waits.size > 0);
  };
  return {
    waitFor: <T>(work: Promise<T>): Promise<T> => {
      waits.add(work);
      return work.finally(() => waits.delete(work));
    },
    now: () => world.now,
    sleep: (ms: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        const sleeper = { until: world.now + ms, wake: () => {} };
        sleeper.wake = () => {
          sleepers.delete(sleeper);
          signal.removeEventListener('abort', sleeper.wake);
          resolve();
        };
        if (signal.aborted) return resolve();
        sleepers.add(sleeper);
        signal.addEventListener('abort', sleeper.wake);
      }),
    advanceTo: async (end: number): Promise<void> => {
      for (;;) {
        await settle();
        const [first] = [...sleepers].sort((a, b) => a.until - b.until);
        if (!first || first.until > end) break;
        world.now = Math.max(world.now, first.until);
        first.wake();
      }
      world.now = Math.max(world.now, end);
      await settle();
    },
  };
}

// ---- events

function eventStreams() {
  const asked: number[] = [];
  let queue: EngineEvent[] = [];
  let notify = (): void => {};
  let cutAt = 0;
  return {
    asked,
    tell: (event: Parameters<Watching['tells']>[0]): void => {
      queue.push({ kind: 'container', timeNano: 1, id: 'id', action: 'start', reference: undefined, ...event });
      notify();
    },
    cut: (): void => {
      cutAt += 1;
      notify();
    },
    events: async function* (since: number, signal: AbortSignal): AsyncGenerator<EngineEvent> {
      asked.push(since);
      const mine = cutAt;
      signal.addEventListener('abort', () => notify());
      while (!signal.aborted && mine === cutAt) {
        const told = queue;
        queue = [];
        yield* told;
        if (queue.length === 0 && mine === cutAt && !signal.aborted)
          await new Promise<void>((resolve) => {
            notify = resolve;
          });
      }
    },
  };
}

/** An engine without an answer. */
export const AWAY = new EngineError(0, 'connect ENOENT /var/run/docker.sock');
