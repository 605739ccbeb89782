import type { EngineVerdict } from '../../core/health/noticed.ts';
import type { Container } from '../../core/model/container.ts';
import type { ImageRef } from '../../core/model/reference.ts';
import type { Proxied } from '../../core/proxy/proxied.ts';
import type { Failure, WantedBackup } from '../../core/rollout/observed.ts';
import type { ComposeHooks } from '../../core/service/compose-hooks.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { Choice } from '../../core/strategy/choose.ts';
import type { KernelLayer } from '../../core/traffic/kernel-layer.ts';
import type { Track } from '../../core/update/track.ts';
import type { ImageCache } from '../select/own.ts';
import type { Memory } from './slot-run.ts';
import type { AnsweredPorts } from './steps/answered-ports.ts';

/** One slot, inspected and fit to be rolled; nothing was changed for it. */
export interface PreparedSlot {
  readonly slotName: string;
  readonly container: Container;
  readonly policy: Policy;
  readonly choice: Choice;
  readonly kernel: KernelLayer;
  readonly follows: ImageRef;
  /** The tracked reference of its container; undefined if it has none. */
  readonly tracked: ImageRef | undefined;
  /** The policy for other tags. */
  readonly track: Track;
  readonly failures: readonly Failure[];
  readonly dependents: readonly string[];
  readonly answered: AnsweredPorts;
  /** Ids of earlier containers of the slot that others still name. */
  readonly predecessors: readonly string[];
  readonly inlineFiles: readonly string[];
  readonly composeHooks: ComposeHooks;
  readonly backup: WantedBackup;
  /** True: check that the container could start again before the first change. */
  readonly checksStart: boolean;
  readonly engineVerdict: EngineVerdict | undefined;
  /** The proxy in front that swapctl drives. */
  readonly proxy: Proxied | undefined;
  readonly images: ImageCache;
  readonly memory: Memory;
}
