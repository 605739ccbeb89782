import { fail } from '../../core/model/error.ts';
import type { Progress } from '../../core/report/progress.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import { expectedSteps } from '../../core/rollout/expected.ts';
import { describeStep } from '../../core/rollout/step.ts';
import { stepOf } from './decision-log.ts';
import type { Cancellation, Job, JobKind, JobStep, PlannedSlot } from './job.ts';

// A roll of one replica takes about thirty steps; only a probe that fails for hours reaches this.
const MOST_STEPS = 400;

interface Given {
  readonly id: string;
  readonly kind: JobKind;
  readonly service?: string | undefined;
  readonly actor: string;
  readonly now: () => number;
  /** Gets all progress, too. */
  readonly report: (progress: Progress) => void;
  /** Called after every change, with the step that was added, if one was. */
  readonly onChange: (job: Job, step?: JobStep) => void;
}

type End = Pick<Job, 'outcome' | 'report' | 'error'>;

/** A job while it lives in memory. */
export class JobRecord {
  readonly id: string;
  readonly service: string | undefined;
  readonly #given: Given;
  readonly #end = new AbortController();
  readonly #requested: string;
  readonly #rolls: string[] = [];
  #started: string | undefined;
  #ended: string | undefined;
  #plan: PlannedSlot[] = [];
  #steps: JobStep[] = [];
  #switched = false;
  #result: End = {};
  #settle: () => void = () => {};
  /** Resolves once the job is done. */
  readonly done = new Promise<void>((resolve) => {
    this.#settle = resolve;
  });

  constructor(given: Given) {
    this.#given = given;
    this.id = given.id;
    this.service = given.service;
    this.#requested = this.#now();
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  get isDone(): boolean {
    return this.#ended !== undefined;
  }

  show(): Job {
    const { id, kind, service, actor } = this.#given;
    return {
      id,
      kind,
      state: this.isDone ? 'done' : this.#started ? 'running' : 'queued',
      ...(service === undefined ? {} : { service }),
      actor,
      requested: this.#requested,
      ...(this.#started ? { started: this.#started } : {}),
      ...(this.#ended ? { ended: this.#ended } : {}),
      ...(this.#plan.length > 0 ? { plan: [...this.#plan] } : {}),
      steps: [...this.#steps],
      ...this.#result,
      cancel: this.#cancellation(),
      ...(kind === 'update' ? { rolls: [...this.#rolls] } : {}),
    };
  }

  begin(): void {
    this.#started = this.#now();
    this.#given.onChange(this.show());
  }

  /** Takes in the progress of the work. */
  readonly take = (progress: Progress): void => {
    this.#given.report(progress);
    if (this.isDone) return;
    if (progress.kind === 'done') this.#stepDone(progress);
    if (progress.kind === 'slot') {
      const { slot, strategy, because } = progress;
      this.#switched = false;
      this.#plan = [...this.#plan.filter((one) => one.slot !== slot), { slot, strategy, because }];
    }
    if (progress.kind === 'decision') this.#expect(progress);
    if (progress.kind === 'step') this.#switched = progress.switched === true;
    const step = stepOf(progress, this.#now());
    if (step) this.#steps = [...this.#steps, step].slice(-MOST_STEPS);
    if (step || progress.kind === 'slot') this.#given.onChange(this.show(), step);
  };

  noteRoll(id: string): void {
    this.#rolls.push(id);
    this.#given.onChange(this.show());
  }

  finish(result: End): void {
    this.#result = result;
    this.#ended = this.#now();
    this.#given.onChange(this.show());
    this.#settle();
  }

  /** Ends the job without a result: another process does the work. */
  abandon(): void {
    this.#ended = this.#now();
    this.#settle();
  }

  fail(error: ReportedError): void {
    this.finish({ outcome: 'failed', error });
  }

  /** Ends the work at its next safe point. Raises `too-late` after the switch, and if the job is done. */
  cancel(): void {
    const { possible, because = '' } = this.#cancellation();
    if (!possible) fail('too-late', `${this.id}: ${because}`, { hint: this.#hint() });
    this.#end.abort();
    this.#given.onChange(this.show());
  }

  /** Ends the work because the server ends. */
  interrupt(): void {
    this.#end.abort();
  }

  #cancellation(): Cancellation {
    const requested = this.#end.signal.aborted;
    if (this.isDone) return { possible: false, requested, because: 'the job is done' };
    if (this.#switched)
      return { possible: false, requested, because: 'new connections go to the new container already' };
    return { possible: true, requested };
  }

  #hint(): string {
    return this.service === undefined
      ? 'ask for the job to see its report'
      : `to go back to the image before, roll ${this.service} back`;
  }

  #stepDone({ slot, step, ms }: Extract<Progress, { kind: 'done' }>): void {
    const at = this.#steps.findLastIndex((one) => one.slot === slot && one.kind === step.kind);
    const before = this.#steps[at];
    if (!before) return;
    const after = { ...before, ms };
    this.#steps = this.#steps.with(at, after);
    this.#given.onChange(this.show(), after);
  }

  // The first decision of a replica shows its state before the roll.
  #expect({ slot, desired, seen }: Extract<Progress, { kind: 'decision' }>): void {
    const at = this.#plan.findIndex((one) => one.slot === slot && one.steps === undefined);
    const planned = this.#plan[at];
    if (!planned) return;
    this.#plan = this.#plan.with(at, { ...planned, steps: expectedSteps(desired, seen).map(describeStep) });
    this.#given.onChange(this.show());
  }

  #now(): string {
    return new Date(this.#given.now()).toISOString();
  }
}
