import type { ServiceReport } from '../report/report.ts';

/** Who takes the lock of a service, and for what. */
export interface HoldWanted {
  readonly group: string;
  /** Whether it is rolled back. */
  readonly back: boolean;
}

/** A service that is locked for a roll to come. Errors are in the reports. */
export interface HeldRoll {
  readonly service: string;
  /** Whether it runs the image already; then there is no lock, and nothing to go back to. */
  readonly isUnchanged: boolean;
  /** Rolls it, by this id. */
  roll(id: string | undefined): Promise<ServiceReport>;
  /** Rolls it back to the image that it ran when it was locked; `condemn`: the image that it leaves is rejected from now on. */
  back(condemn: boolean): Promise<ServiceReport>;
  release(): Promise<void>;
}

/** A roll of a group whose process is dead, as a lock on one of its hosts tells of it. */
export interface InterruptedGroup {
  readonly group: string;
  readonly service: string;
  readonly reference: string;
  readonly digest: string;
}
