import type { HookTrial } from '../../../core/webhooks/hint.ts';
import type { HookConfig } from '../../../core/webhooks/kinds.ts';
import { readHook } from '../../../core/webhooks/senders.ts';
import { type HookRequest, oneEach } from './request.ts';
import { verify } from './verify.ts';

/** A message to try: without headers its credential is not checked. */
export interface TriedMessage {
  readonly headers: HookRequest['headers'] | undefined;
  readonly rawBody: Uint8Array;
}

/** Predicts how `receiveHook` would treat a message, and does nothing. Raises `config` if the credential cannot be read. */
export async function tryHook(hook: HookConfig, message: TriedMessage, now: number): Promise<HookTrial> {
  const headers = oneEach(message.headers ?? {});
  const { kind, registry } = hook;
  const { rawBody } = message;
  const hint = readHook(kind, { method: 'POST', headers, rawBody, registry });
  return { message: hint, credential: await credentialOf(hook, message, now) };
}

async function credentialOf(
  { kind, credential: { form, secret } }: HookConfig,
  { headers, rawBody }: TriedMessage,
  now: number,
): Promise<HookTrial['credential']> {
  if (form === 'url-secret') return { outcome: 'unchecked', because: 'it is in the URL, which a trial does not have' };
  if (headers === undefined) return { outcome: 'unchecked', because: 'no headers were given' };
  const request = { headers: oneEach(headers), rawBody, query: new URLSearchParams() };
  const verdict = verify({ kind, form }, await secret.read(), request, now);
  return verdict.ok ? { outcome: 'right' } : { outcome: 'wrong', because: verdict.why };
}
