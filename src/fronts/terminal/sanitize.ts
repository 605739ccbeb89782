import { sanitizeText } from '../../core/text/sanitize.ts';

/** The lines of foreign text, each sanitized. */
export function sanitizeLines(text: string): string[] {
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => sanitizeText(line).trimEnd())
    .filter((line) => line !== '');
}

/** A copy of a document with every string sanitized, so that no view can forget one. */
export function sanitize<T>(value: T): T {
  if (typeof value === 'string') return sanitizeText(value) as T;
  if (Array.isArray(value)) return value.map(sanitize) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sanitize(inner)])) as T;
}
