import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Compares two texts in a time that does not depend on how alike they are. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}

/** HMAC-SHA256 of some bytes. */
export function hmac(key: string | Uint8Array, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const sum = createHmac('sha256', key);
  for (const part of parts) sum.update(part);
  return sum.digest();
}

/** The HMAC of the body in hex, if one of the headers has it, with `sha256=` before it or without. */
export function hexSignature(
  given: readonly (string | undefined)[],
  key: string,
  body: Uint8Array,
): string | undefined {
  const right = hmac(key, body).toString('hex');
  const has = (text: string | undefined): boolean =>
    text !== undefined && sameText(text.replace(/^sha256=/, '').toLowerCase(), right);
  return given.some(has) ? right : undefined;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
