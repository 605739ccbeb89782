import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { JobBook } from '../../../app/jobs/book.ts';
import type { Job } from '../../../app/jobs/job.ts';
import { triggerOf } from '../../../core/access/actors.ts';
import type { Metrics } from '../../../core/metrics/metrics.ts';
import { recordChecks, recordRoll, recordRollStart, recordUpdate } from '../../../core/metrics/record.ts';
import type { UpdateReport } from '../../../core/update/update.ts';

/** Records every job of a book. */
export function measureJobs(book: Pick<JobBook, 'subscribe'>, metrics: Metrics, now: () => number): void {
  book.subscribe((job, step) => {
    if (step !== undefined) return;
    if (job.state === 'running' && job.service !== undefined) recordRollStart(metrics, job.service);
    if (job.state === 'done') recordEnd(job, metrics, now());
  });
}

function recordEnd({ actor, service, report, outcome = 'failed' }: Job, metrics: Metrics, at: number): void {
  const trigger = triggerOf(actor);
  if (service !== undefined) metrics.set('swapctl_roll_in_progress', { service }, 0);
  if (report === undefined) {
    if (service !== undefined) metrics.add('swapctl_rolls_total', { service, strategy: 'none', outcome, trigger });
    return;
  }
  if ('outcome' in report) recordRoll(metrics, report, trigger, at);
  else if (!('services' in report)) recordChecks(metrics, report, at);
  else recordUpdate(metrics, withoutRolls(report), { trigger, at, whole: false });
}

// Each of its rolls is a job, and was recorded with that.
function withoutRolls(report: UpdateReport): UpdateReport {
  return { ...report, services: report.services.map(({ report: _, ...line }) => line) };
}

const METHODS = ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'];

/** Records every request by the pattern of its route: paths of callers are not labels. */
export function measureRequests(metrics: Metrics, now: () => number): MiddlewareHandler {
  return async (call, next) => {
    const began = now();
    await next();
    const method = METHODS.includes(call.req.method) ? call.req.method : 'other';
    const route = patternOf(call);
    metrics.add('swapctl_http_requests_total', { method, route, status: String(call.res.status) });
    metrics.observe('swapctl_http_request_duration_seconds', { method, route }, (now() - began) / 1000);
  };
}

function patternOf(call: Context): string {
  const patterns = matchedRoutes(call).map(({ path }: { path: string }) => path);
  return patterns.find((path) => path !== '*' && path !== '/*') ?? 'none';
}
