import type { HostGroup } from '../../core/inventory/inventory.ts';
import type { Progress } from '../../core/report/progress.ts';
import type { Clock } from '../../ports/host.ts';
import type { Post } from '../../ports/notify.ts';
import type { RunProgram } from '../../ports/program.ts';
import type { App } from '../app.ts';

/** A host that answers. */
export interface OpenHost {
  readonly host: string;
  readonly app: App;
}

/** Everything that the use cases of a group need. */
export interface GroupWorld {
  readonly group: HostGroup;
  /** Connects to the engine of a host. Raises `engine-unreachable`, `usage` and `config`. */
  open(host: string): Promise<{ readonly app: App; close(): void }>;
  /** True: go on without hosts that can't be reached. */
  readonly skipUnreachable: boolean;
  readonly clock: Clock;
  readonly post: Post;
  readonly run: RunProgram;
  readonly report: (progress: Progress) => void;
}
