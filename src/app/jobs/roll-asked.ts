import { fail } from '../../core/model/error.ts';
import type { RollCall } from '../../core/report/call.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import { runOf } from '../../core/report/summary.ts';
import type { App } from '../app.ts';
import type { RollAsked } from './job.ts';

/** Performs a requested roll, and sends the notifications if they were requested. */
export async function rollAsked(
  app: App,
  { kind, service, request, notify = false }: RollAsked,
  call: RollCall,
): Promise<ServiceReport> {
  const whole = { ...request, ...call };
  const reports = kind === 'roll' ? await app.roll([service], whole) : [await app.rollback(service, whole)];
  if (notify) await app.notify(runOf(reports), { signal: new AbortController().signal, asked: true });
  return reports[0] ?? fail('not-found', `${service} is gone`);
}
