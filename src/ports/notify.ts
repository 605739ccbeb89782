import type { Delivery, Summary } from '../core/report/summary.ts';
import type { NotificationConfig } from '../core/settings/config.ts';

/**
 * Sends to all notifiers at the same time; resolves with the result of each, in their order, after about ten seconds at most.
 * Never rejects.
 */
export type Notify = (
  summary: Summary,
  notifiers: readonly NotificationConfig[],
  signal: AbortSignal,
) => Promise<Delivery[]>;

/** Sends a POST with a JSON document to a URL. Raises an error for people unless a success answer arrives in time. */
export type Post = (
  url: string,
  document: unknown,
  timeoutMs: number,
  headers?: Readonly<Record<string, string>>,
) => Promise<void>;
