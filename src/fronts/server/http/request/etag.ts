import { createHash } from 'node:crypto';
import type { Job } from '../../../../app/jobs/job.ts';

/** The ETag of a job: it changes with every step. */
export function etagOf(job: Job): string {
  return `"${createHash('sha256').update(JSON.stringify(job)).digest('base64url').slice(0, 22)}"`;
}
