import { harmlessText } from '../../core/text/harmless.ts';

/** The lines of foreign text, each sanitized. */
export function harmlessLines(text: string): string[] {
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => harmlessText(line).trimEnd())
    .filter((line) => line !== '');
}

/** A copy of a document with every string sanitized, so that no view can forget one. */
export function harmless<T>(value: T): T {
  if (typeof value === 'string') return harmlessText(value) as T;
  if (Array.isArray(value)) return value.map(harmless) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, harmless(inner)])) as T;
}
