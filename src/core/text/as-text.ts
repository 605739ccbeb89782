/** A value of a document as a word; of what should have been one, whatever stands there, its JSON. */
export function asText(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}
