import { fail } from '../../core/model/error.ts';
import type { PerService, RollCall } from '../../core/report/call.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { App, PastRoll } from '../app.ts';
import type { BookWorld } from './book-world.ts';
import { type EarlierJob, earlierJob, withEarlier } from './earlier.ts';
import type { Asked, Job, JobStep, RollAsked, UpdateAsked } from './job.ts';
import { pastJob } from './past-job.ts';
import { errorOf, reportedErrorOf } from './raised.ts';
import { JobRecord } from './record.ts';
import { resumed } from './resume.ts';
import { rollAsked } from './roll-asked.ts';
import { type Turns, turns } from './turns.ts';

// The maximum of finished jobs, each with a decision log of about ten kilobytes.
const MOST_FINISHED = 200;

/** Called after every change of a job, with the step that was added or has ended. */
export type JobListener = (job: Job, step?: JobStep) => void;

/** The job of a request: its own, or an existing one of exactly the same request. */
export interface Submitted {
  readonly job: Job;
  readonly joined: boolean;
}

interface Active {
  readonly record: JobRecord;
  readonly fingerprint: string | undefined;
}

/** All jobs of a process: at most one roll of a service at a time, for all callers. */
export class JobBook {
  readonly #world: BookWorld;
  readonly #jobs = new Map<string, JobRecord>();
  readonly #rolling = new Map<string, Active>();
  readonly #listeners = new Set<JobListener>();
  readonly #turns: Turns;
  #atOnce = 1;
  #isEnding = false;
  #resuming: Promise<readonly JobRecord[]> | undefined;

  constructor(world: BookWorld) {
    this.#world = world;
    this.#turns = turns(() => this.#atOnce);
  }

  /**
   * Begins a job, and resolves as soon as it is in the book. Raises `not-found`, `ambiguous` and `engine-unreachable`, and `busy`
   * (naming the job) if another roll of the service is in progress.
   */
  async submit(asked: Asked): Promise<Submitted> {
    return 'service' in asked ? this.#submitRoll(asked) : this.#submitOther(asked);
  }

  /** For updates that another part of the process runs: each of their rolls becomes a job. */
  perService(actor: string, onRoll: (job: Job) => void = () => {}): PerService {
    return (service, signal, work) =>
      this.#rollWithin({ service, actor }, signal, work, (record) => onRoll(record.show()));
  }

  /** A job of this or an earlier process, or a roll from labels. Raises `engine-unreachable` if only labels could have it. */
  async find(id: string): Promise<Job | undefined> {
    const known = this.#jobs.get(id);
    if (known) return known.show();
    await this.resume();
    const resumedJob = this.#jobs.get(id);
    if (resumedJob) return resumedJob.show();
    const past = (await this.#pastRolls()).find((roll) => roll.id === id);
    const earlier = await this.#world.earlier?.(id);
    if (!past) return earlier && earlierJob(earlier);
    return earlier ? withEarlier(pastJob(past), earlier) : pastJob(past);
  }

  /** All jobs, the newest first; `complete` is false if the engine could not be asked for earlier rolls. */
  async list(): Promise<{ readonly jobs: Job[]; readonly complete: boolean }> {
    const own = (): Job[] => [...this.#jobs.values()].map((record) => record.show()).reverse();
    try {
      await this.resume();
      const past = await this.#pastRolls();
      return { jobs: [...own(), ...past.filter(({ id }) => !this.#jobs.has(id)).map(pastJob)], complete: true };
    } catch (raised) {
      if (errorOf(raised).code !== 'engine-unreachable') throw raised;
      return { jobs: own(), complete: false };
    }
  }

  /** The roll of a service in progress. */
  rollOf(service: string): Job | undefined {
    return this.#rolling.get(service)?.record.show();
  }

  /** Ends a job at its next safe point. Raises `not-found`, and `too-late` after the switch. */
  async cancel(id: string): Promise<Job> {
    const record = this.#jobs.get(id);
    if (record) {
      record.cancel();
      return record.show();
    }
    const past = (await this.find(id)) ?? noSuchJob(id);
    return fail('too-late', `${id}: ${past.cancel.because ?? 'another process does it'}`);
  }

  /** Resolves once the job is done, or the signal aborts. */
  async settled(id: string, signal: AbortSignal): Promise<void> {
    const record = this.#jobs.get(id);
    if (!record || signal.aborted) return;
    let stop = (): void => {};
    const aborted = new Promise<void>((resolve) => {
      stop = resolve;
      signal.addEventListener('abort', stop, { once: true });
    });
    await Promise.race([record.done, aborted]);
    signal.removeEventListener('abort', stop);
  }

  subscribe(listener: JobListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Ends all jobs at their next safe points, and resolves once they are done. */
  async end(): Promise<void> {
    this.#isEnding = true;
    const open = [...this.#jobs.values()].filter((record) => !record.isDone);
    for (const record of open) record.interrupt();
    await Promise.all(open.map(({ done }) => done));
  }

  /** Finishes or undoes interrupted rolls, once, as jobs. Resolves with these jobs. */
  resume(): Promise<readonly JobRecord[]> {
    this.#resuming ??= this.#resume().catch((raised) => {
      this.#resuming = undefined;
      throw raised;
    });
    return this.#resuming;
  }

  async #resume(): Promise<readonly JobRecord[]> {
    const { resumes = () => true } = this.#world;
    const past = await this.#pastRolls();
    const interrupted = past.filter(({ phase }) => phase === 'interrupted' || phase === 'unclear');
    const free = interrupted.filter(({ service }) => resumes(service) && !this.#rolling.has(service));
    const earlier = await Promise.all(free.map(({ id }) => this.#world.earlier?.(id)));
    return free.map((roll, at) => this.#resumeRoll(roll, earlier[at]));
  }

  #resumeRoll(roll: PastRoll, earlier: EarlierJob | undefined): JobRecord {
    const { id, service } = roll;
    const { kind, actor } = earlier ?? { kind: 'roll', actor: 'unknown' };
    const record = this.#open({ id, kind, service, actor });
    this.#world.onResume?.(record.show());
    this.#rolling.set(service, { record, fingerprint: undefined });
    record.take({ kind: 'note', text: 'the process that rolled it ended in the middle; finishing or undoing it' });
    const recovering = this.#inTurn(record, () =>
      this.#world.use(async (app) => {
        const end = await resumed(app, roll, record);
        if (end) record.finish(end);
        else this.#abandon(record);
      }),
    );
    recovering.catch(() => {});
    return record;
  }

  // From now on labels show the job, as for every roll of another process.
  #abandon(record: JobRecord): void {
    this.#jobs.delete(record.id);
    this.#rolling.delete(record.service ?? '');
    record.abandon();
  }

  async #submitRoll(asked: RollAsked): Promise<Submitted> {
    const service = await this.#world.use((app) => app.find(asked.service));
    // Two callers with different traces can ask for the same roll.
    const { traceparent: _, ...request } = asked.request;
    const fingerprint = JSON.stringify([asked.kind, asked.service, request, asked.notify ?? false]);
    const active = this.#rolling.get(service);
    if (active?.fingerprint === fingerprint) return { job: active.record.show(), joined: true };
    const { kind, actor } = asked;
    const record = this.#reserve({ kind, service, actor, fingerprint });
    void this.#roll(record, record.signal, (call) => this.#world.use((app) => rollAsked(app, asked, call))).catch(
      () => {},
    );
    return { job: record.show(), joined: false };
  }

  #reserve(given: Pick<RollAsked, 'kind' | 'service' | 'actor'> & { readonly fingerprint: string | undefined }) {
    const { service, fingerprint } = given;
    const active = this.#rolling.get(service);
    if (active) return refuseSecond(service, active.record.id);
    const record = this.#open({ ...given, id: this.#world.newId() });
    this.#rolling.set(service, { record, fingerprint });
    return record;
  }

  // The signal of the job ends only this roll; the rest of the update goes on.
  async #rollWithin(
    { service, actor }: { readonly service: string; readonly actor: string },
    signal: AbortSignal,
    work: (call: RollCall) => Promise<ServiceReport>,
    onBegin: (record: JobRecord) => void,
  ): Promise<ServiceReport> {
    const record = this.#reserve({ kind: 'roll', service, actor, fingerprint: undefined });
    onBegin(record);
    const end = (): void => record.interrupt();
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    try {
      return await this.#roll(record, record.signal, work);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  async #roll(
    record: JobRecord,
    signal: AbortSignal,
    work: (call: RollCall) => Promise<ServiceReport>,
  ): Promise<ServiceReport> {
    return this.#inTurn(record, async () => {
      const report = await work({ roll: record.id, progress: record.take, signal });
      record.finish({ outcome: report.outcome, report });
      return report;
    });
  }

  async #inTurn<T>(record: JobRecord, work: () => Promise<T>): Promise<T> {
    await this.#lookHowMany();
    try {
      if (!(await this.#turns.take(record.signal))) return fail('interrupted', 'cancelled before it began');
    } catch (raised) {
      record.fail(reportedErrorOf(raised));
      throw raised;
    }
    try {
      record.begin();
      return await this.#within(record, work);
    } catch (raised) {
      record.fail(reportedErrorOf(raised));
      throw raised;
    } finally {
      this.#turns.end();
    }
  }

  #within<T>({ id }: JobRecord, work: () => Promise<T>): Promise<T> {
    const { within = (_, alone) => alone() } = this.#world;
    return within(id, work);
  }

  // The roll itself reports mistakes in swapctl.yml.
  async #lookHowMany(): Promise<void> {
    this.#atOnce = await this.#world.use(async (app) => app.rollsAtOnce()).catch(() => this.#atOnce);
  }

  async #submitOther(asked: Exclude<Asked, RollAsked>): Promise<Submitted> {
    const record = this.#open({ id: this.#world.newId(), kind: asked.kind, actor: asked.actor });
    record.begin();
    const working = this.#within(record, () =>
      this.#world.use(async (app) =>
        asked.kind === 'check' ? app.check(asked.services, record.signal) : this.#update(app, record, asked),
      ),
    );
    void working.then(
      (report) => record.finish({ outcome: 'done', report }),
      (raised) => record.fail(reportedErrorOf(raised)),
    );
    return { job: record.show(), joined: false };
  }

  async #update(app: App, record: JobRecord, { services, actor, request, onRoll }: UpdateAsked) {
    const perService: PerService = (service, signal, work) =>
      this.#rollWithin({ service, actor }, signal, work, (roll) => {
        record.noteRoll(roll.id);
        onRoll?.(roll.show());
      });
    const { signal, take: progress } = record;
    const report = await app.update(services, { ...request, signal, progress, perService });
    if (!request.dryRun) await app.notify(report, { signal: new AbortController().signal });
    return report;
  }

  #open(given: { id: string; kind: Job['kind']; service?: string; actor: string }): JobRecord {
    if (this.#isEnding) fail('busy', 'this server is ending', { hint: 'repeat the request in a moment' });
    const onChange: JobListener = (job, step) => {
      if (job.state === 'done') this.#close(job);
      for (const listener of this.#listeners) listener(job, step);
    };
    const { now, report = () => {} } = this.#world;
    const record = new JobRecord({ ...given, now, report, onChange });
    this.#jobs.set(given.id, record);
    onChange(record.show());
    return record;
  }

  #close({ id, service = '' }: Job): void {
    if (this.#rolling.get(service)?.record.id === id) this.#rolling.delete(service);
    const finished = [...this.#jobs.values()].filter(({ isDone }) => isDone);
    for (const { id } of finished.slice(0, Math.max(0, finished.length - MOST_FINISHED))) this.#jobs.delete(id);
  }

  #pastRolls(): Promise<PastRoll[]> {
    return this.#world.use((app) => app.pastRolls());
  }
}

/** Raises `not-found` for a job that neither this process nor the labels of containers know. */
export function noSuchJob(id: string): never {
  return fail('not-found', `there is no job ${JSON.stringify(id.slice(0, 100))}`, {
    hint: `the server remembers its last ${MOST_FINISHED} jobs, labels hold the last rolls of each service, and the file server.audit holds the others`,
  });
}

function refuseSecond(service: string, id: string): never {
  return fail('busy', `${service} is being rolled already, by job ${id}`, {
    hint: `wait until job ${id} is done, and ask again`,
    choices: [id],
  });
}
