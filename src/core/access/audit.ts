import { clipText, harmlessText } from '../text/harmless.ts';
import type { AuditEntry } from './principal.ts';

const LONGEST = 300;
/** Also inside of another text: a caller may put its token where a service name belongs. */
const TOKENS = /swapctl_[0-9A-Za-z]{20,}/g;

/** The line of the audit log for an entry, with its line end: JSON with the fields in this order. */
export function auditLine(entry: AuditEntry): string {
  const { time, who, by, from, what, service, job, outcome, code } = entry;
  const fields = { time, who, by, from, what, service, job, outcome, code };
  const safe = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, safely(value)]]));
  return `${JSON.stringify(Object.fromEntries(safe))}\n`;
}

function safely(text: string): string {
  return clipText(harmlessText(text).replace(TOKENS, 'swapctl_…'), LONGEST);
}
