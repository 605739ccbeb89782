import type { DevDesk } from '../../app/app.ts';
import { type Developed, type SyncedFile, syncs, targetOf } from '../../core/build/develop.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import { formatDuration } from '../../core/text/duration.ts';
import type { WatchLog } from '../log.ts';
import { type ChangeActions, NOTHING, together } from './change-actions.ts';
import { type Queue, queueOfOne } from './queue.ts';

/** The environment of a lane. */
export interface LaneWorld {
  readonly desk: DevDesk;
  readonly log: WatchLog;
  readonly overrides: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Gets errors of unknown kinds. */
  readonly broken: (error: unknown) => void;
}

/** A finished build for a service. `number` counts the builds of the service. */
interface Image {
  readonly id: string;
  readonly number: number;
}

type Job = { readonly image: Image } | { readonly action: ChangeActions };

/** The containers of one service: actions on them run one after the other. */
export interface Lane {
  readonly service: string;
  /** A build begins: its image may lack files synced from now on. Returns the build's number. */
  buildBegins(): number;
  /** Rolls to the image of a build. */
  run(image: Image): void;
  act(action: ChangeActions): void;
  /** Copies all files of the rules with an initial sync. */
  begin(): void;
  idle(): Promise<void>;
}

/** `rebuild` asks for a build if no smaller action is enough; undefined: the service can't be built. */
export function openLane(world: LaneWorld, developed: Developed, rebuild: (() => void) | undefined): Lane {
  const { service } = developed;
  const state: State = { world, developed, rebuild, builds: 0, journal: [] };
  const queue: Queue<Job> = queueOfOne((jobs) => perform(state, jobs), world.broken);
  return {
    service,
    buildBegins: () => {
      state.builds += 1;
      return state.builds;
    },
    run: (image) => queue.ask({ image }),
    act: (action) => queue.ask({ action }),
    begin: () => {
      if (developed.rules.some(({ initialSync }) => initialSync)) queue.ask({ action: NOTHING });
    },
    idle: () => queue.idle(),
  };
}

interface State {
  readonly world: LaneWorld;
  readonly developed: Developed;
  readonly rebuild: (() => void) | undefined;
  builds: number;
  /** The synced files, with the number of builds begun before each. */
  journal: { readonly file: SyncedFile; readonly build: number }[];
  begun?: boolean;
}

async function perform(state: State, jobs: readonly Job[]): Promise<void> {
  const { signal } = state.world;
  if (signal.aborted) return;
  const image = jobs.flatMap((job) => ('image' in job ? [job.image] : [])).at(-1);
  const action = together(jobs.flatMap((job) => ('action' in job ? [job.action] : [])));
  try {
    if (image) await runImage(state, image);
    if (!state.begun) await syncAll(state);
    state.begun = true;
    await act(state, action);
  } catch (error) {
    logError(state, error);
  }
}

async function runImage(state: State, { id, number }: Image): Promise<void> {
  const { desk, overrides, signal } = state.world;
  const { service } = state.developed;
  const report = await desk.replace(service, id, { overrides, signal });
  logReport(state, report);
  if (report.outcome !== 'rolled') return;
  // The new container has the files from before its build.
  state.journal = state.journal.filter(({ build }) => build >= number);
  await syncAll(state);
  const since = state.journal.map(({ file }) => file);
  if (since.length > 0) await desk.sync(service, together([{ ...NOTHING, files: since }]).files);
}

async function syncAll({ developed: { service, rules }, world: { desk } }: State): Promise<void> {
  for (const rule of rules.filter((one) => one.initialSync && syncs(one))) {
    const files = await desk.files(rule);
    await desk.sync(
      service,
      files.map((path) => ({ path, target: targetOf(rule, path), removed: false })),
    );
  }
}

async function act(state: State, action: ChangeActions): Promise<void> {
  const { desk, log, signal } = state.world;
  const { service } = state.developed;
  const { files, execs, signals, restart } = action;
  if (files.length > 0) {
    state.journal.push(...files.map((file) => ({ file, build: state.builds })));
    await syncFiles(state, files);
  }
  for (const exec of execs) {
    const said = await desk.exec(service, exec, signal);
    log.write(said ? 'error' : 'info', `${service}: ${said ?? `ran ${exec.command.at(-1)}`}`, {
      service,
      exec: said ?? null,
    });
  }
  for (const name of signals) await signalled(state, name);
  if (restart) await startAnew(state);
}

async function syncFiles(state: State, files: readonly SyncedFile[]): Promise<void> {
  const { desk, log } = state.world;
  const { service } = state.developed;
  try {
    await desk.sync(service, files);
    const [one] = files;
    log.write('info', `${service}: synced ${files.length === 1 ? one?.target : `${files.length} files`}`, {
      service,
      synced: files.map(({ target }) => target),
    });
  } catch (error) {
    if (!(error instanceof SwapError) || !state.rebuild) throw error;
    log.write('warn', `${service}: ${error.message}; it is rebuilt instead`, { service, error: { code: error.code } });
    state.rebuild();
  }
}

async function signalled(state: State, name: string): Promise<void> {
  const { desk, log } = state.world;
  const { service } = state.developed;
  const died = await desk.signal(service, name);
  if (died === undefined) return log.write('info', `${service}: lives on after ${name}`, { service, signal: name });
  log.write('warn', `${service}: ${died}; a new container takes its place`, { service, signal: name, died });
  if (state.rebuild) state.rebuild();
  else await startAnew(state);
}

async function startAnew(state: State): Promise<void> {
  const { desk, overrides, signal } = state.world;
  const { service, rules } = state.developed;
  const targets = rules.filter(syncs).map(({ target }) => target);
  logReport(state, await desk.restart(service, targets, { overrides, signal }));
}

function logReport({ world: { log }, developed: { service } }: State, report: ServiceReport): void {
  const { error } = report;
  const level = error && error.code !== 'interrupted' ? 'error' : 'info';
  log.write(level, `${service}: ${sentence(report)}`, { ...report });
}

function sentence({ outcome, strategy, timings, error }: ServiceReport): string {
  if (error) return `${error.message}${error.hint ? ` (${error.hint})` : ''}`;
  if (outcome === 'unchanged') return 'the build is the image that runs already';
  return `rolled${strategy ? ` ${strategy}` : ''} in ${formatDuration(timings.total)}`;
}

function logError({ world: { log }, developed: { service } }: State, error: unknown): void {
  const hint = error instanceof SwapError && error.hint ? ` (${error.hint})` : '';
  log.write('error', `${service}: ${messageOf(error)}${hint}`, { service, error: { message: messageOf(error) } });
}
