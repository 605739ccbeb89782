import { appendFile } from 'node:fs/promises';
import { auditLine } from '../../../core/access/audit.ts';
import type { AuditEntry, Principal } from '../../../core/access/principal.ts';
import { messageOf } from '../../../core/model/error.ts';

/** The destination of the audit log. */
export type AuditSink = (line: string) => void | Promise<void>;

/** The audit log: one JSON line for each change and each refused caller. */
export interface Audit {
  write(entry: AuditEntry): Promise<void>;
}

/** An audit log that goes to a sink. A sink that fails is noted: it fails no request, as the roll is under way. */
export function createAudit(sink: AuditSink, note: (text: string) => void): Audit {
  // One after the other, so that lines stay whole and in order.
  let last: Promise<void> = Promise.resolve();
  return {
    write: (entry) => {
      last = last
        .then(async () => sink(auditLine(entry)))
        .catch((error) => {
          note(`the audit log can't be written: ${messageOf(error)}`);
        });
      return last;
    },
  };
}

/** Appends to a file that only its owner may read and write. logrotate needs no signal: it is opened for each line. */
export function auditFile(file: string): AuditSink {
  return (line) => appendFile(file, line, { mode: 0o600 });
}

/** The fields of an entry that identify the caller. */
export function callerFields({ name, by, address }: Principal): Pick<AuditEntry, 'who' | 'by' | 'from'> {
  return { who: name, by, from: address };
}
