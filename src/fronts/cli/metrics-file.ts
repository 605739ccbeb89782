import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { readText } from '../../adapters/files/read.ts';
import { metricsText } from '../../core/metrics/exposition.ts';
import { Metrics } from '../../core/metrics/metrics.ts';
import { recordUpdate } from '../../core/metrics/record.ts';
import { readMetrics } from '../../core/metrics/saved.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import type { UpdateReport } from '../../core/update/update.ts';
import { sanitize } from '../terminal/sanitize.ts';
import type { Session } from './session.ts';

/** The metrics file of a run; `whole`: the run concerns all services. */
interface MetricsFile {
  readonly file: string;
  readonly whole: boolean;
}

/**
 * Performs a run of updates, and writes its metrics. A failed write is only a note: monitoring must not stop the updates that it
 * observes.
 */
export async function withMetrics(
  session: Session,
  { file, whole }: MetricsFile,
  updating: () => Promise<UpdateReport>,
): Promise<UpdateReport> {
  try {
    const report = await updating();
    await change(session, file, (metrics, at) => {
      metrics.set('swapctl_engine_up', {}, 1);
      recordUpdate(metrics, report, { trigger: 'schedule', at, whole });
    });
    return report;
  } catch (error) {
    if (error instanceof SwapError && error.code === 'engine-unreachable')
      await change(session, file, (metrics) => metrics.set('swapctl_engine_up', {}, 0));
    throw error;
  }
}

async function change(
  { context }: Session,
  file: string,
  record: (metrics: Metrics, at: number) => void,
): Promise<void> {
  try {
    const metrics = await earlier(file);
    metrics.remove('swapctl_build_info');
    metrics.set('swapctl_build_info', { version: context.version, node: process.version.replace(/^v/, '') }, 1);
    record(metrics, context.terminal.now());
    await replace(file, metricsText(metrics));
  } catch (error) {
    const why = `the metrics file ${file} can't be written: ${messageOf(error)}`;
    context.terminal.stderr.write(`swapctl: ${sanitize(why)}\n  the updates themselves are not affected\n`);
  }
}

async function earlier(file: string): Promise<Metrics> {
  try {
    return readMetrics(await readText(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Metrics();
    throw error;
  }
}

// The collector reads every file that ends with .prom, so the new one gets that ending only once it is complete.
async function replace(file: string, text: string): Promise<void> {
  const beside = `${file}.swapctl-new`;
  try {
    await rm(beside, { force: true });
    await writeFile(beside, text, { mode: 0o644, flag: 'wx' });
    // The collector runs as another user, so ignore the umask.
    await chmod(beside, 0o644);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw error;
  }
}
