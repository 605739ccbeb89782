import { clipText, sanitizeText } from '../text/sanitize.ts';
import type { AuditEntry } from './principal.ts';

const LONGEST = 300;
/** Also inside other text: a caller may put its token in the place of a service name. */
const TOKENS = /swapctl_[0-9A-Za-z]{20,}/g;

/** The line of the audit log for an entry, with its line end: JSON with the fields in this order. */
export function auditLine(entry: AuditEntry): string {
  const { time, who, by, from, what, service, job, outcome, code } = entry;
  const fields = { time, who, by, from, what, service, job, outcome, code };
  const safe = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, safely(value)]]));
  return `${JSON.stringify(Object.fromEntries(safe))}\n`;
}

function safely(text: string): string {
  return clipText(sanitizeText(text).replace(TOKENS, 'swapctl_…'), LONGEST);
}

/** Reads a line of the audit log; undefined for any other text, such as half a line. */
export function readAuditLine(line: string): AuditEntry | undefined {
  try {
    const entry = JSON.parse(line);
    const isEntry = ['time', 'who', 'what', 'outcome'].every((field) => typeof entry?.[field] === 'string');
    return isEntry ? entry : undefined;
  } catch {
    return undefined;
  }
}
