import { readdir } from 'node:fs/promises';
import type { Metrics } from '../../core/metrics/metrics.ts';

/** Records what the process itself uses, under the names of other Prometheus clients; `now` is in milliseconds. */
export async function recordProcess(metrics: Metrics, now: number): Promise<void> {
  const { user, system } = process.cpuUsage();
  const used = (user + system) / 1e6;
  metrics.add('process_cpu_seconds_total', {}, used - (metrics.get('process_cpu_seconds_total', {}) ?? 0));
  metrics.set('process_resident_memory_bytes', {}, process.memoryUsage.rss());
  const began = metrics.get('process_start_time_seconds', {}) ?? now / 1000 - process.uptime();
  metrics.set('process_start_time_seconds', {}, began);
  // Only Linux has this folder.
  const open = await readdir('/proc/self/fd').catch(() => undefined);
  if (open) metrics.set('process_open_fds', {}, open.length);
  metrics.set('nodejs_eventloop_lag_seconds', {}, await lag());
}

function lag(): Promise<number> {
  const asked = process.hrtime.bigint();
  return new Promise((resolve) => setImmediate(() => resolve(Number(process.hrtime.bigint() - asked) / 1e9)));
}
