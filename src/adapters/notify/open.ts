import { messageOf } from '../../core/model/error.ts';
import type { Delivery, Summary } from '../../core/report/summary.ts';
import type { NotificationConfig } from '../../core/settings/config.ts';
import type { Secret } from '../../core/settings/secret.ts';
import { sanitizeText } from '../../core/text/sanitize.ts';
import type { Clock } from '../../ports/host.ts';
import type { Notify, Post } from '../../ports/notify.ts';
import { redact } from './redact.ts';
import type { HttpKind, ValuesOf } from './requests.ts';
import type { Delivering } from './send.ts';

/** The environment of notifiers. */
export interface NotifyOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** PEM texts of trusted authorities. */
  readonly authorities: () => Promise<readonly string[]>;
  /** The time limit for one notifier, in milliseconds. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const LONGEST_ERROR = 300;
// The receiver is no secret.
const OPEN = ['from', 'to', 'chat', 'template'];

/** Sends notifications by HTTP and e-mail. The clients are loaded when the first one is sent. */
export function openNotify({ authorities, timeoutMs = TIMEOUT_MS, ...place }: NotifyOptions): Notify {
  return async (summary, notifiers, signal) => {
    if (notifiers.length === 0) return [];
    const delivery = { ...place, authorities: await authorities().catch(() => []) };
    return Promise.all(notifiers.map((notifier) => notify(summary, notifier, delivery, signal, timeoutMs)));
  };
}

/** Sends a document to any URL of the user's configuration. */
export function openPost({ authorities, ...place }: NotifyOptions): Post {
  return async (url, document, timeoutMs, headers = {}) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const delivery = { ...place, authorities: await authorities().catch(() => []) };
    const { send } = await import('./send.ts');
    const type = { 'content-type': 'application/json' };
    const post = { url: new URL(url), headers: { ...headers, ...type }, body: JSON.stringify(document) };
    try {
      await send(post, delivery, signal);
    } catch (error) {
      const why = signal.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(error);
      throw new Error(redact(sanitizeText(why), [url, ...Object.values(headers)]).slice(0, LONGEST_ERROR));
    }
  };
}

async function notify(
  summary: Summary,
  { kind, ...secrets }: NotificationConfig,
  delivery: Delivering,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Delivery> {
  const named = Object.entries<Secret>(secrets);
  const to = toWhom(Object.fromEntries(named));
  const timeouts = AbortSignal.timeout(timeoutMs);
  const values: Record<string, string> = {};
  try {
    for (const [key, secret] of named) values[key] = await secret.read();
    await deliver(kind, summary, values, delivery, AbortSignal.any([signal, timeouts]));
    return { kind, to, outcome: 'sent' };
  } catch (error) {
    const hidden = Object.entries(values).flatMap(([key, value]) => (OPEN.includes(key) ? [] : [value]));
    const why = signal.aborted
      ? 'interrupted'
      : timeouts.aborted
        ? `no answer within ${timeoutMs / 1000} s`
        : redact(sanitizeText(messageOf(error)), hidden).slice(0, LONGEST_ERROR);
    return { kind, to, outcome: 'failed', error: why };
  }
}

async function deliver(
  kind: NotificationConfig['kind'],
  summary: Summary,
  values: Readonly<Record<string, string>>,
  delivery: Delivering,
  signal: AbortSignal,
): Promise<void> {
  // The check of the file ensures that each kind has its values.
  if (kind === 'email') {
    const { mail } = await import('./mail.ts');
    return mail(summary, values as ValuesOf<'email'>, delivery, signal);
  }
  const [{ POSTS }, { send }] = await Promise.all([import('./requests.ts'), import('./send.ts')]);
  const post = POSTS[kind] as (summary: Summary, values: ValuesOf<HttpKind>) => ReturnType<(typeof POSTS)[HttpKind]>;
  return send(post(summary, values as ValuesOf<HttpKind>), delivery, signal);
}

function toWhom({ to, chat, url }: Readonly<Record<string, Secret>>): string {
  return (to ?? chat ?? url)?.shown ?? '';
}
