import type { OneHeaders } from './request.ts';
import { hmac, sameText } from './signature.ts';

/** How far the clocks of sender and receiver may be apart. */
const TOLERANCE_S = 5 * 60;
// The specification allows several signatures, for keys that are being replaced.
const MOST_SIGNATURES = 10;
const LONGEST_ID = 256;

export type StandardVerdict =
  | { readonly ok: true; readonly id: string }
  | { readonly ok: false; readonly why: string; readonly onlyTooOld?: boolean };

/** Checks the signature, then the time, of Standard Webhooks (https://www.standardwebhooks.com). `now` in milliseconds. */
export function checkStandardWebhook(headers: OneHeaders, key: string, body: Uint8Array, now: number): StandardVerdict {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': given } = headers;
  if (!id || !timestamp || !given)
    return { ok: false, why: 'it has no webhook-id, webhook-timestamp or webhook-signature' };
  if (id.length > LONGEST_ID || !/^\d{1,12}$/.test(timestamp))
    return { ok: false, why: 'its webhook-id or webhook-timestamp cannot be right' };
  const right = keysOf(key).map((one) => hmac(one, `${id}.${timestamp}.`, body).toString('base64'));
  const signatures = given.split(' ', MOST_SIGNATURES).filter((one) => one.startsWith('v1,'));
  if (!signatures.some((one) => right.some((text) => sameText(one.slice('v1,'.length), text))))
    return { ok: false, why: 'the signature does not match: another secret, or a changed body' };
  const ageS = Math.round(now / 1000 - Number(timestamp));
  if (Math.abs(ageS) <= TOLERANCE_S) return { ok: true, id };
  const side = ageS > 0 ? 'old' : 'in the future';
  const why = `its timestamp is ${Math.abs(ageS)} s ${side}, and ${TOLERANCE_S} s are allowed: it was replayed, or a clock is wrong`;
  return { ok: false, why, onlyTooOld: true };
}

// Libraries read a secret as base64, with `whsec_` before it or without; other senders use the text itself as the key.
function keysOf(secret: string): (string | Uint8Array)[] {
  const [, prefix, base64] = /^(whsec_)?([A-Za-z0-9+/]{22,}={0,2})$/.exec(secret) ?? [];
  const decoded = base64 === undefined ? [] : [Buffer.from(base64, 'base64')];
  return prefix === undefined ? [secret, ...decoded] : decoded;
}
