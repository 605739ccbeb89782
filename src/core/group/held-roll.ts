import type { ServiceReport } from '../report/report.ts';

/** The roll for which the lock of a service is taken. */
export interface HoldWanted {
  readonly group: string;
  /** True: a rollback. */
  readonly back: boolean;
}

/** A service that is locked for a roll to come. Errors are in the reports. */
export interface HeldRoll {
  readonly service: string;
  /** True: it runs the image already, so there is no lock, and nothing to go back to. */
  readonly isUnchanged: boolean;
  /** Rolls it, by this id. */
  roll(id: string | undefined): Promise<ServiceReport>;
  /** Rolls it back to the image that it ran when it was locked; `rejectLeft`: the image that it leaves is rejected from now on. */
  back(rejectLeft: boolean): Promise<ServiceReport>;
  release(): Promise<void>;
}

/** A roll of a group whose process is dead, by a lock on one of its hosts. */
export interface InterruptedGroup {
  readonly group: string;
  readonly service: string;
  readonly reference: string;
  readonly digest: string;
}
