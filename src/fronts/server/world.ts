import type { App, UpdateRequest } from '../../app/app.ts';
import type { JobBook } from '../../app/jobs/book.ts';
import type { Metrics } from '../../core/metrics/metrics.ts';
import type { Audit } from './access/audit.ts';
import type { Gatekeeper } from './access/authenticate.ts';

/** The log of the server: a sentence, and the facts behind it. */
export interface ServerLog {
  write(level: 'debug' | 'info' | 'warn' | 'error', text: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Everything that the API works with. */
export interface ServerWorld {
  readonly version: string;
  readonly book: JobBook;
  /** Lets the work use the engine. Raises `engine-unreachable`. */
  readonly use: <T>(work: (app: App) => Promise<T>) => Promise<T>;
  readonly gate: Gatekeeper;
  readonly audit: Audit;
  readonly log: ServerLog;
  readonly metrics: Metrics;
  /** Proxies whose X-Forwarded-For counts. */
  readonly trustProxy: readonly string[];
  /** The services that are watched: webhooks concern no others. */
  readonly watched: {
    readonly selectors: readonly string[];
    readonly request: Pick<UpdateRequest, 'all' | 'overrides'>;
  };
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly now: () => number;
  /** Aborted when the server ends. */
  readonly signal: AbortSignal;
}
