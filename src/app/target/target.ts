import type { OwnLabels } from '../../core/model/own-labels.ts';
import type { ImageRef } from '../../core/model/reference.ts';
import type { RollFacts } from '../../core/update/may-roll.ts';
import type { Checked } from '../../core/update/newer.ts';
import type { Ports } from '../../ports/ports.ts';
import type { CheckOptions } from '../update/check.ts';

/** A service, by its key in reports, settings and dependencies. */
export interface Named {
  readonly key: string;
}

/** The services of a target at one instant. */
export interface Look<S extends Named> {
  readonly services: readonly S[];
  /** The services that a user named, without duplicates. Raises `not-found` and `ambiguous`. */
  named(selectors: readonly string[]): S[];
  /** The labels that the user of a service set, and no image. */
  labelsOf(service: S): OwnLabels;
  /** Why a service can't be rolled at all. */
  whyNot(service: S): string | undefined;
  /** The references that a service tracks: during a roll its replicas may track several. */
  trackedBy(service: S): Promise<ImageRef[]>;
  /** Finishes or undoes interrupted rolls. Resolves with true if there were any, and with the errors, by key. */
  recover(
    services: readonly S[],
    signal: AbortSignal,
  ): Promise<{ readonly any: boolean; readonly failed: ReadonlyMap<string, unknown> }>;
  /** The services that must not be rolled at the same time as this one. */
  tiedTo(service: S): Promise<string[]>;
}

/**
 * The system that runs services. The layers above it decide about updates, schedules, holds, order and reports; the target itself
 * replaces services and keeps their records.
 */
export interface Target<S extends Named> {
  look(): Promise<Look<S>>;
  check(services: readonly S[], options: CheckOptions): Promise<Checked[]>;
  /** The last rolls and failures of a service. */
  facts(service: S): Promise<RollFacts>;
  /** Ids of the running images of a service: a roll to the result of a check continues only while these still run. */
  imagesOf(service: S): string[];
  /** True if this process runs in a service, which is then rolled last. */
  runsIn(service: S): boolean;
  /** True if the container of this process exists for this one run. */
  isOneShot(): Promise<boolean>;
  /** Removes the remains of earlier rolls in the kernel, before rolls begin. */
  beforeRolls(): Promise<void>;
}

/** A target over some ports: a run of updates has its own, which share pulls. */
export type TargetOn<S extends Named> = (ports: Ports) => Target<S>;
