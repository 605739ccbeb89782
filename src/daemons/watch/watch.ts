import type { UpdateRequest, WatchedApp } from '../../app/app.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import type { PerService } from '../../core/report/call.ts';
import type { LocalImageEvent } from '../../core/update/local-image-event.ts';
import type { ServiceUpdate, UpdateReport } from '../../core/update/update.ts';
import type { WatchLog } from '../log.ts';
import { listen } from './listen.ts';
import { type PendingLocalImages, pendingLocalImages } from './local-images.ts';
import { isAway, type ResultLog, resultLog } from './result-log.ts';
import { type Timetable, timetable } from './timetable.ts';

/** The environment of a watch. */
export interface WatchWorld {
  /** Connects to the engine. Raises `engine-unreachable`, and `config` for a mistake in swapctl.yml. */
  readonly open: () => Promise<{ app: WatchedApp; close(): void }>;
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  /** A number from 0 to 1. */
  readonly dice: () => number;
  readonly log: WatchLog;
  /** Ends the watch; a roll in progress comes to its safe end first. */
  readonly signal: AbortSignal;
  /** Calls back whenever a user wants swapctl.yml to be read again, or everything to be checked now. */
  readonly onAsked: (asked: (what: 'reload' | 'check') => void) => void;
  /** Releases unused memory. */
  readonly tidy: () => void;
  /** Gets the report of every run. */
  readonly onUpdate?: (report: UpdateReport) => void;
  readonly selectors: readonly string[];
  /** Gives each roll its context, by the reason for the roll. */
  readonly perService?: (because: 'schedule' | 'local image') => PerService;
  readonly request: Pick<UpdateRequest, 'all' | 'overrides'>;
}

// Events come in bursts: one observation for all of them.
const GATHER_MS = 1000;
// In case an event is missed.
const LOOK_EVERY_MS = 10 * 60_000;
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 5 * 60_000;
// Memory is released before a sleep of this length, and not more often.
const LONG_SLEEP_MS = 30_000;

/** The state that outlives a connection to the engine. */
interface State {
  readonly world: WatchWorld;
  /** The start of the watch. */
  readonly since: number;
  readonly firstSeen: Map<string, number>;
  readonly results: ResultLog;
  readonly asked: Set<'reload' | 'check'>;
  readonly localImages: PendingLocalImages;
  /** The time of the next observation. */
  lookAt: number;
  /** Ends the current sleep. */
  wake: () => void;
  /** True: the watch has worked; an earlier error ends it. */
  begun: boolean;
  /** The last release of memory. */
  tidiedAt: number;
  /** The number of watched services in the last log line. */
  watched: number | undefined;
}

/** Checks and rolls services on their schedules until the signal aborts. Raises an error that keeps it from starting. */
export async function watch(world: WatchWorld): Promise<void> {
  const state: State = {
    world,
    since: world.clock.now(),
    firstSeen: new Map(),
    results: resultLog(world.log),
    asked: new Set(),
    localImages: pendingLocalImages(),
    lookAt: 0,
    wake: () => {},
    begun: false,
    tidiedAt: 0,
    watched: undefined,
  };
  world.onAsked((what) => {
    state.asked.add(what);
    state.wake();
  });
  const wake = (): void => state.wake();
  world.signal.addEventListener('abort', wake);
  try {
    await connectAgainAndAgain(state);
  } finally {
    world.signal.removeEventListener('abort', wake);
  }
  world.log.write('info', 'ended');
}

// The engine may be away for hours, and come back as another version: so connect anew.
async function connectAgainAndAgain(state: State): Promise<void> {
  const { world } = state;
  let times: ReturnType<typeof timetable> | undefined;
  let away = false;
  for (let misses = 0; !world.signal.aborted; misses++) {
    try {
      const { app, close } = await world.open();
      times ??= timetable((...asked) => app.nextCheck(...asked), world.dice);
      try {
        await lookAround(state, app, times);
        await recoverRolls(state, app, times);
        if (away) world.log.write('info', 'the engine answers again');
        [away, misses] = [false, 0];
        await keepWatch(state, app, times);
      } finally {
        close();
      }
    } catch (raised) {
      const why = awayBecause(raised, state.begun || world.signal.aborted);
      if (!away && !world.signal.aborted) world.log.write('error', `${why}; it is tried again until that is over`);
      away = true;
    }
    if (!world.signal.aborted) await nap(state, Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** misses));
  }
}

// An error at the start ends the watch, except an engine that is away: it may start later. After the start no error ends it.
function awayBecause(raised: unknown, begun: boolean): string {
  if (raised instanceof EngineError) return messageOf(raised);
  if (raised instanceof SwapError && (begun || raised.code === 'engine-unreachable')) return messageOf(raised);
  if (begun) return unexpected(raised);
  throw raised;
}

function unexpected(raised: unknown): string {
  return `unexpected: ${messageOf(raised)}`;
}

/** True: the error concerns one task, not all calls to the engine. */
function isOfOne(raised: unknown): boolean {
  return !(raised instanceof EngineError) && !(raised instanceof SwapError);
}

async function keepWatch(state: State, app: WatchedApp, times: Timetable): Promise<void> {
  const { world } = state;
  const listening = new AbortController();
  const onChange = (): void => {
    state.lookAt = Math.min(state.lookAt, world.clock.now() + GATHER_MS);
    state.wake();
  };
  const onLocalImage = (localImage: LocalImageEvent): void => {
    state.localImages.take(localImage, world.clock.now());
    state.wake();
  };
  const onAway = (error: EngineError): void =>
    world.log.write('debug', `the engine's events can't be heard: ${error.message}`);
  const ear = listen({ app, clock: world.clock, signal: listening.signal, onLocalImage, onChange, onAway });
  // The next request reports an error that is not the engine's.
  ear.catch((raised) => world.log.write('error', unexpected(raised)));
  try {
    while (!world.signal.aborted) await oneRound(state, app, times);
  } finally {
    listening.abort();
  }
}

async function oneRound(state: State, app: WatchedApp, times: Timetable): Promise<void> {
  const { world, asked, localImages } = state;
  if (asked.delete('reload')) await reload(state, app);
  if (world.clock.now() >= state.lookAt) await lookAround(state, app, times);
  await rollLocalImages(state, app);
  const due = asked.delete('check') ? times.everything() : times.due(world.clock.now());
  if (due.size > 0) return update(state, app, times, due);
  if (asked.size > 0 || world.signal.aborted) return;
  const next = Math.min(
    state.lookAt,
    times.next() ?? Number.POSITIVE_INFINITY,
    localImages.next() ?? Number.POSITIVE_INFINITY,
  );
  await nap(state, Math.max(0, next - world.clock.now()));
}

async function lookAround(state: State, app: WatchedApp, times: Timetable): Promise<void> {
  const { world } = state;
  state.lookAt = world.clock.now() + LOOK_EVERY_MS;
  const scheduled = await app.scheduledChecks(world.selectors, world.request);
  await times.refresh(scheduled, world.clock.now());
  state.begun = true;
  state.results.forget(new Set(scheduled.map(({ service }) => service)));
  state.results.write(scheduled.flatMap(({ line }) => line ?? []));
  const { size } = times.everything();
  if (size === state.watched) return;
  state.watched = size;
  const services = [...times.everything()];
  const none = size === 0 ? '; set the label swapctl.enable=true, name services, or use --all' : '';
  world.log.write('info', `watching ${size} service${size === 1 ? '' : 's'}${none}`, { services });
}

// The engine, or an earlier watch, may have died in the middle of a roll; a schedule may come due much later.
async function recoverRolls({ world, results: { write } }: State, app: WatchedApp, times: Timetable): Promise<void> {
  const only = times.everything();
  write(
    await within(world.signal, (signal) => app.recoverOptedIn(world.selectors, { ...world.request, only, signal })),
  );
}

async function update(state: State, app: WatchedApp, times: Timetable, due: ReadonlySet<string>): Promise<void> {
  const {
    world,
    firstSeen,
    results: { write },
  } = state;
  let away = false;
  try {
    const services = await updateAndLog(world, app, { only: due, firstSeen });
    write(services);
    const asked = services.filter(({ outcome }) => outcome !== 'skipped');
    away = asked.length > 0 && asked.every(isAway);
  } catch (raised) {
    if (!isOfOne(raised)) throw raised;
    world.log.write('error', unexpected(raised), { services: [...due] });
    away = true;
  }
  await times.checked(due, away, world.clock.now());
}

// A local image under a tracked name is rolled at once, whatever the schedule is, without asking a registry.
async function rollLocalImages(
  { world, since, firstSeen, localImages, results: { write } }: State,
  app: WatchedApp,
): Promise<void> {
  const { now } = world.clock;
  const unread = localImages.unread(now());
  if (unread.length > 0) {
    const asked = app.arrived(world.selectors, { ...world.request, localImages: unread, since });
    const { services, later } = await orNothing(world, asked, { services: new Set<string>(), later: [] });
    localImages.read(unread, services, later, now());
  }
  const due = localImages.due(now());
  if (due.size === 0 || world.signal.aborted) return;
  const lines = await orNothing(world, updateAndLog(world, app, { only: due, firstSeen, here: true }), []);
  localImages.done(due, lines, now());
  write(lines.filter(({ outcome }) => outcome !== 'current'));
}

// The next scheduled check covers unreadable events.
async function orNothing<T>({ log }: WatchWorld, work: Promise<T>, nothing: T): Promise<T> {
  try {
    return await work;
  } catch (raised) {
    if (!isOfOne(raised)) throw raised;
    log.write('error', unexpected(raised));
    return nothing;
  }
}

async function updateAndLog(
  world: WatchWorld,
  app: WatchedApp,
  request: Pick<UpdateRequest, 'only' | 'firstSeen' | 'here'>,
): Promise<readonly ServiceUpdate[]> {
  return within(world.signal, async (signal) => {
    const perService = world.perService?.(request.here ? 'local image' : 'schedule');
    const report = await app.update(world.selectors, { ...world.request, ...request, perService, signal });
    world.onUpdate?.(report);
    // The roll of swapctl's own container may have ended the run: its other results are sent all the same.
    await app.notify(report, { signal: signal.aborted ? new AbortController().signal : signal });
    return report.services;
  });
}

// Each run has its own signal: its listeners go with the run, instead of accumulating for weeks.
async function within<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const run = new AbortController();
  const end = (): void => run.abort();
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  try {
    return await work(run.signal);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

async function reload(state: State, app: WatchedApp): Promise<void> {
  const { world } = state;
  state.lookAt = 0;
  try {
    await app.reload();
    world.log.write('info', 'swapctl.yml was read again');
  } catch (raised) {
    const known = raised instanceof SwapError;
    const why = known ? raised.message : unexpected(raised);
    world.log.write('error', `${why}; what was read before stays`, known ? { error: { code: raised.code } } : {});
  }
}

async function nap(state: State, ms: number): Promise<void> {
  const over = new AbortController();
  state.wake = () => over.abort();
  if (state.world.signal.aborted) return;
  tidyUp(state, ms);
  await state.world.clock.sleep(ms, over.signal);
  state.wake = () => {};
}

function tidyUp(state: State, sleepMs: number): void {
  const now = state.world.clock.now();
  if (sleepMs < LONG_SLEEP_MS || now - state.tidiedAt < LONG_SLEEP_MS) return;
  state.tidiedAt = now;
  state.world.tidy();
}
