import { type Job as JobMessage, JobSchema } from '#proto/swapctl/v1/job_pb';
import { ServiceReportSchema } from '#proto/swapctl/v1/report_pb';
import { CheckReportSchema, UpdateReportSchema } from '#proto/swapctl/v1/update_pb';
import type { Job } from '../../../app/jobs/job.ts';
import { messageFrom } from './message.ts';

/** The message of a job, whose report stands in a field of its own for each kind. */
export function jobMessage({ report, ...job }: Job): JobMessage {
  const message = messageFrom(JobSchema, job);
  message.result = resultOf(report);
  return message;
}

function resultOf(report: Job['report']): JobMessage['result'] {
  if (report === undefined) return { case: undefined };
  if ('outcome' in report) return { case: 'report', value: messageFrom(ServiceReportSchema, report) };
  return 'services' in report
    ? { case: 'updated', value: messageFrom(UpdateReportSchema, report) }
    : { case: 'checked', value: messageFrom(CheckReportSchema, { services: report }) };
}
