import type { OwnLabels } from '../../core/model/own-labels.ts';
import type { RollFacts } from '../../core/update/may-roll.ts';
import type { Checked } from '../../core/update/newer.ts';
import type { Ports } from '../../ports/ports.ts';
import type { CheckOptions } from '../update/check.ts';

/** A service, by the key that reports, settings and dependencies have. */
export interface Named {
  readonly key: string;
}

/** The services of a target at one instant. */
export interface Look<S extends Named> {
  readonly services: readonly S[];
  /** The services that users named, each once. Raises `not-found` and `ambiguous`. */
  named(selectors: readonly string[]): S[];
  /** The labels that the user of a service set, and no image. */
  labelsOf(service: S): OwnLabels;
  /** Why a service can't be rolled, whoever asks. */
  whyNot(service: S): string | undefined;
  /** The references that a service tracks: during a roll its replicas may track several. */
  trackedBy(service: S): Promise<string[]>;
  /** Finishes or undoes interrupted rolls. Resolves with whether there were any, and with what was raised, by key. */
  recover(
    services: readonly S[],
    signal: AbortSignal,
  ): Promise<{ readonly any: boolean; readonly failed: ReadonlyMap<string, unknown> }>;
  /** The services that a service must not be rolled at the same time with. */
  tiedTo(service: S): Promise<string[]>;
}

/**
 * Where services run: what is newer, when, held, in which order and reported is decided above it; how a service is replaced, and
 * what is remembered of it, is the target's own.
 */
export interface Target<S extends Named> {
  look(): Promise<Look<S>>;
  check(services: readonly S[], options: CheckOptions): Promise<Checked[]>;
  /** The last rolls and failures of a service. */
  facts(service: S): Promise<RollFacts>;
  /** Ids of the images that a service runs: a roll to what a check found goes ahead only while these still run. */
  imagesOf(service: S): string[];
  /** True if this process runs in a service, which is then rolled last. */
  runsIn(service: S): boolean;
  /** True if the container of this process exists for this one run. */
  isOneShot(): Promise<boolean>;
  /** Removes what earlier rolls left in the kernel, before rolls begin. */
  beforeRolls(): Promise<void>;
}

/** A target over some ports: a run of updates has its own, which share pulls. */
export type TargetOn<S extends Named> = (ports: Ports) => Target<S>;
