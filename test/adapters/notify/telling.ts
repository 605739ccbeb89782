// Notifiers in the form of swapctl.yml, and their notifications.

import { openNotify } from '../../../src/adapters/notify/open.ts';
import { type Delivery, type Summary, summarizeRun } from '../../../src/core/report/summary.ts';
import type { NotificationConfig } from '../../../src/core/settings/config.ts';
import type { Secret } from '../../../src/core/settings/secret.ts';
import type { Clock } from '../../../src/ports/host.ts';
import { stoppedClock } from '../registry/scripted.ts';

/** A run with every kind of outcome, with names and log lines that are special for some receivers. */
export const SUMMARY: Summary = summarizeRun(
  {
    services: [
      {
        service: 'my_app',
        outcome: 'updated',
        from: { image: 'app:1', digest: 'sha256:aa' },
        to: { image: 'app:2', digest: 'sha256:bb' },
        because: '',
      },
      {
        service: 'api',
        outcome: 'failed',
        because: '',
        error: { code: 'not-healthy', message: 'x < y & *z* <!channel>', log: ['panic: `no` <config> @everyone'] },
      },
    ],
  },
  'häost',
);

export function secret(value: string): Secret {
  return { shown: 'shown', read: async () => value };
}

/** A notifier with these values. */
export function notifier(
  kind: NotificationConfig['kind'],
  values: Readonly<Record<string, string>>,
): NotificationConfig {
  const secrets = Object.entries(values).map(([key, value]) => [key, secret(value)]);
  return { kind, ...Object.fromEntries(secrets) };
}

/** The results of notifications, one after the other. */
export async function told(
  notifiers: readonly NotificationConfig[],
  options: {
    summary?: Summary;
    clock?: Clock;
    authorities?: readonly string[];
    timeoutMs?: number;
    signal?: AbortSignal;
    env?: Record<string, string>;
  } = {},
): Promise<Delivery[]> {
  const { summary = SUMMARY, clock = stoppedClock(), authorities = [], timeoutMs = 60_000, env = {} } = options;
  const notify = openNotify({ env, clock, authorities: async () => authorities, timeoutMs });
  return notify(summary, notifiers, options.signal ?? new AbortController().signal);
}
