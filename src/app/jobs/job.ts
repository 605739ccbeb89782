import type { Outcome, ServiceReport } from '../../core/report/report.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import type { Checked } from '../../core/update/newer.ts';
import type { UpdateReport } from '../../core/update/update.ts';
import type { RollRequest, UpdateRequest } from '../app.ts';

export type JobKind = 'roll' | 'rollback' | 'check' | 'update';

/** One requested operation, as every front shows it (a contract). Times are ISO 8601. */
export interface Job {
  /** For a roll or rollback, the id of the roll, which the labels of its containers carry. */
  readonly id: string;
  readonly kind: JobKind;
  readonly state: 'queued' | 'running' | 'done';
  /** The service that is rolled; absent for jobs over several. */
  readonly service?: string;
  /** The name of the caller. */
  readonly actor: string;
  readonly requested: string;
  readonly started?: string;
  readonly ended?: string;
  /** The strategy and the planned steps of each replica, once they are decided. */
  readonly plan?: readonly PlannedSlot[];
  /** The steps so far, in order; if there are too many, the oldest are dropped. */
  readonly steps: readonly JobStep[];
  /** The result of a finished job. `done`: a check or an update ran to its end; see its report. */
  readonly outcome?: Outcome | 'done';
  readonly report?: ServiceReport | PastReport | UpdateReport | readonly Checked[];
  /** The error, if it has no report. */
  readonly error?: ReportedError;
  readonly cancel: Cancellation;
  /** For an update: the jobs that roll its services. */
  readonly rolls?: readonly string[];
}

/** The report of a roll of an earlier process: labels do not hold its timings. */
export type PastReport = Omit<ServiceReport, 'timings'>;

export interface PlannedSlot {
  readonly slot: string;
  readonly strategy: string;
  readonly because: string;
  /** The steps as swapctl expected them when it began, in order. */
  readonly steps?: readonly string[];
}

/** One entry of a job's decision log. */
export interface JobStep {
  readonly at: string;
  /** The kind of step, or `note`, `pull`, `build`, `probe`, `evidence`. */
  readonly kind: string;
  readonly slot?: string;
  readonly text: string;
  /** The state before the step. */
  readonly seen?: string;
  /** Why the step is done. */
  readonly reason?: string;
  /** Its duration, in milliseconds; absent while it is in progress, and if it failed. */
  readonly ms?: number;
}

/** The possibility to cancel a job, with the reason if there is none. */
export interface Cancellation {
  readonly possible: boolean;
  readonly requested: boolean;
  readonly because?: string;
}

/** A request to roll one service, or to roll it back. */
export interface RollAsked {
  readonly kind: 'roll' | 'rollback';
  readonly service: string;
  readonly actor: string;
  readonly request: Omit<RollRequest, 'signal' | 'progress' | 'roll'>;
  /** True: send the configured notifications. */
  readonly notify?: boolean | undefined;
}

/** A request to check services, or all. */
export interface CheckAsked {
  readonly kind: 'check';
  readonly services: readonly string[];
  readonly actor: string;
}

/** A request to update services with a newer image. */
export interface UpdateAsked {
  readonly kind: 'update';
  readonly services: readonly string[];
  readonly actor: string;
  readonly request: Omit<UpdateRequest, 'signal' | 'progress' | 'perService'>;
  /** Called for each roll that it begins. */
  readonly onRoll?: ((job: Job) => void) | undefined;
}

export type Asked = RollAsked | CheckAsked | UpdateAsked;
