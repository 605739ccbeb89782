import { readEnd } from '../../../adapters/files/read.ts';
import type { EarlierJob } from '../../../app/jobs/earlier.ts';
import { readAuditLine } from '../../../core/access/audit.ts';
import type { AuditEntry } from '../../../core/access/principal.ts';
import { isErrorCode, messageOf } from '../../../core/model/error.ts';

// Some 20,000 lines.
const MOST_BYTES = 4 * 1024 * 1024;
const KINDS = ['roll', 'rollback', 'check', 'update'] as const;
const OUTCOMES = ['rolled', 'unchanged', 'rolled-back', 'failed', 'done'] as const;

/** Finds a job of an earlier server in the audit log; undefined if the end of the file has none. A file that can't be read is noted. */
export async function earlierJobIn(
  file: string | undefined,
  id: string,
  note: (text: string) => void,
): Promise<EarlierJob | undefined> {
  try {
    return file === undefined ? undefined : await auditedJob(file, id);
  } catch (error) {
    // Nothing has been written yet, or the log goes to a pipe or a terminal.
    const isNoFile = ['ENOENT', 'ERR_UNFIT_FILE'].includes((error as NodeJS.ErrnoException).code ?? '');
    if (!isNoFile) note(`the audit log ${file} can't be read: ${messageOf(error)}`);
    return undefined;
  }
}

async function auditedJob(file: string, id: string): Promise<EarlierJob | undefined> {
  const entries = (await readEnd(file, MOST_BYTES))
    .split('\n')
    .flatMap((line) => (line.includes(id) ? (readAuditLine(line) ?? []) : []));
  const own = entries.filter(({ job, what }) => job === id && what !== 'cancel');
  const accepted = own.find(({ outcome }) => outcome === 'accepted');
  const kind = KINDS.find((one) => one === accepted?.what);
  if (!accepted || !kind) return undefined;
  const { who: actor, service, time: requested } = accepted;
  return { id, kind, service, actor, requested, ...endOf(own) };
}

function endOf(entries: readonly AuditEntry[]): Partial<EarlierJob> {
  const end = entries.findLast(({ outcome }) => OUTCOMES.some((one) => one === outcome));
  const outcome = OUTCOMES.find((one) => one === end?.outcome);
  const code = end?.code !== undefined && isErrorCode(end.code) ? end.code : undefined;
  return { ended: end?.time, outcome, code };
}
