import { createTransport } from 'nodemailer';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import { fail } from '../../core/model/error.ts';
import { plainText, type Summary } from '../../core/report/summary.ts';
import { Refused, reasonOf } from './reason.ts';
import type { ValuesOf } from './requests.ts';
import type { Delivering } from './send.ts';

const RETRY_MS = 500;

/** Sends an e-mail; retries once if the server was out of reach. Raises an error for people. */
export async function mail(
  summary: Summary,
  values: ValuesOf<'email'>,
  delivery: Delivering,
  signal: AbortSignal,
): Promise<void> {
  const first = await attempt(summary, values, delivery, signal);
  if (first === undefined) return;
  if (first.againAfterMs === undefined) throw first;
  await delivery.clock.sleep(first.againAfterMs, signal);
  signal.throwIfAborted();
  const second = await attempt(summary, values, delivery, signal);
  if (second !== undefined) throw second;
}

async function attempt(
  { title, lines }: Summary,
  { url, from, to }: ValuesOf<'email'>,
  { authorities }: Delivering,
  signal: AbortSignal,
): Promise<Refused | undefined> {
  const server = serverOf(url, authorities);
  try {
    await createTransport(server).sendMail({
      from,
      to,
      subject: title,
      text: `${plainText(lines) || title}\n`,
      // RFC 3834: suppresses automatic replies.
      headers: { 'Auto-Submitted': 'auto-generated' },
      disableFileAccess: true,
      disableUrlAccess: true,
      signal,
    });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    const { command } = error as { command?: unknown };
    const { text, passing } = reasonOf((error as { cause?: unknown }).cause ?? error);
    // Later the server may have accepted it already, and would deliver it twice.
    return new Refused(`${server.host}: ${text}`, passing || command === 'CONN' ? RETRY_MS : undefined);
  }
}

/** Parses smtp://user:password@host:port?option=value; a password goes only over an encrypted connection. */
function serverOf(url: string, authorities: readonly string[]) {
  if (!/^smtps?:\/\/[^/]/.test(url)) return fail('config', 'its url is none; it has to begin with smtps:// or smtp://');
  const { pool: _, sendmail: __, ...options } = parseConnectionUrl(url);
  return {
    requireTLS: options.auth !== undefined && !options.secure,
    ...options,
    tls: { ca: [...authorities], ...options.tls },
  };
}
