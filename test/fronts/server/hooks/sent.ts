// Messages to hooks, with the credential that each kind of sender would add.
import { createHmac } from 'node:crypto';
import { type CredentialForm, type HookConfig, type HookKind, traitsOf } from '../../../../src/core/webhooks/kinds.ts';
import type { Gathered } from '../../../../src/fronts/server/hooks/gather.ts';
import type { HookWorld } from '../../../../src/fronts/server/hooks/receive.ts';
import type { HookRequest } from '../../../../src/fronts/server/hooks/request.ts';

export const NOW = Date.parse('2026-03-02T12:00:00Z');
export const SECRET = 'a long and random secret';

export function hookOf(kind: HookKind, form: CredentialForm, text = SECRET): HookConfig {
  return { kind, credential: { form, secret: { shown: '…', read: async () => text } }, registry: undefined };
}

export interface Sent {
  readonly secret?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of Standard Webhooks: the id, and how old the message is. */
  readonly id?: string;
  readonly ageS?: number;
}

/** A request in the form of a sender of this kind. */
export function sent(kind: HookKind, form: CredentialForm, body: unknown, given: Sent = {}): HookRequest {
  const rawBody = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const { secret = SECRET, headers = {} } = given;
  const query = new URLSearchParams(form === 'url-secret' ? { token: secret } : {});
  const proof = proofOf(kind, form, secret, rawBody, given);
  return {
    headers: { 'content-type': 'application/json', ...headers, ...proof },
    rawBody,
    query,
    address: '192.0.2.7',
  };
}

function proofOf(
  kind: HookKind,
  form: CredentialForm,
  secret: string,
  body: Buffer,
  { id = 'msg_1', ageS = 0 }: Sent,
): Record<string, string> {
  const { signature, header = '' } = traitsOf(kind);
  switch (form) {
    case 'token':
      return { [header]: secret };
    case 'bearer':
      return { authorization: `Bearer ${secret}` };
    case 'basic':
      return { authorization: `Basic ${Buffer.from(secret).toString('base64')}` };
    case 'url-secret':
      return {};
    case 'secret': {
      if (signature !== 'standard-webhooks') {
        const hex = createHmac('sha256', secret).update(body).digest('hex');
        const [name = ''] = signature?.headers ?? [];
        return { [name]: name.startsWith('x-hub') ? `sha256=${hex}` : hex };
      }
      const timestamp = String(NOW / 1000 - ageS);
      const sum = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest('base64');
      return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${sum}` };
    }
  }
}

/** A server with these hooks; `added` has the repositories to check. */
export function received(hooks: Readonly<Record<string, HookConfig>>): HookWorld & { readonly added: string[] } {
  const added: string[] = [];
  const gathered: Pick<Gathered, 'add'> = {
    add: (pushes) => {
      for (const { repository } of pushes) added.push(repository);
    },
  };
  return { hooks: () => hooks, clock: { now: () => NOW }, gathered, seen: new Map(), added };
}
