import type { EngineVerdict } from '../../core/health/noticed.ts';
import type { Container } from '../../core/model/container.ts';
import type { Proxied } from '../../core/proxy/proxied.ts';
import type { Failure, WantedBackup } from '../../core/rollout/observed.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { Choice } from '../../core/strategy/choose.ts';
import type { KernelLayer } from '../../core/traffic/kernel-layer.ts';
import type { Track } from '../../core/update/track.ts';
import type { Memory } from './slot-run.ts';
import type { AnsweredPorts } from './steps/answered-ports.ts';

/** One slot, looked at and found fit to be rolled; nothing was touched for it. */
export interface PreparedSlot {
  readonly home: string;
  readonly container: Container;
  readonly policy: Policy;
  readonly choice: Choice;
  readonly kernel: KernelLayer;
  readonly follows: string;
  /** The reference that its container follows by itself; undefined where it follows none. */
  readonly followed: string | undefined;
  /** Which tags beside the followed one count. */
  readonly track: Track;
  readonly failures: readonly Failure[];
  readonly dependents: readonly string[];
  readonly answered: AnsweredPorts;
  /** Ids of containers that served the slot before this one, which others still name. */
  readonly predecessors: readonly string[];
  readonly inlineFiles: readonly string[];
  readonly backup: WantedBackup;
  /** True: check that the container could start again before anything is touched. */
  readonly checksStart: boolean;
  readonly engineVerdict: EngineVerdict | undefined;
  /** The proxy in front that is told. */
  readonly proxy: Proxied | undefined;
  readonly memory: Memory;
}
