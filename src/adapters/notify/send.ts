import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import type { Clock } from '../../ports/host.ts';
import { Refused, reasonOf } from './reason.ts';
import type { Post } from './requests.ts';

/** The environment of a delivery. */
export interface Delivering {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** PEM texts of trusted authorities. */
  readonly authorities: readonly string[];
  readonly clock: Clock;
}

const RETRY_MS = 500;
/** The maximum wait for a receiver that asks for a pause. */
const MOST_WAIT_MS = 5000;
const MOST_ANSWER_BYTES = 4096;

/** Sends a POST; retries once if it did not get through or the receiver asked for a pause. Raises an error for people. */
export async function send(post: Post, delivery: Delivering, signal: AbortSignal): Promise<void> {
  const dispatcher = dispatcherFor(post.url, delivery);
  try {
    const first = await attempt(post, dispatcher, signal);
    if (first === undefined) return;
    if (first.againAfterMs === undefined || first.againAfterMs > MOST_WAIT_MS) throw first;
    await delivery.clock.sleep(first.againAfterMs, signal);
    signal.throwIfAborted();
    const second = await attempt(post, dispatcher, signal);
    if (second !== undefined) throw second;
  } finally {
    await dispatcher.destroy();
  }
}

/** Undefined: it arrived. Otherwise the reason, and the time until another try, if one is worthwhile. */
async function attempt(post: Post, dispatcher: Dispatcher, signal: AbortSignal): Promise<Refused | undefined> {
  try {
    return await exchange(post, dispatcher, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { text, passing } = reasonOf(error);
    return new Refused(`${post.url.host}: ${text}`, passing ? RETRY_MS : undefined);
  }
}

async function exchange(post: Post, dispatcher: Dispatcher, signal: AbortSignal): Promise<Refused | undefined> {
  const { url, headers, body } = post;
  const answer = await request(url, {
    method: 'POST',
    headers: { 'user-agent': 'swapctl', ...headers },
    body,
    dispatcher,
    signal,
  });
  const { statusCode: status } = answer;
  if (status >= 200 && status < 300) {
    // It has arrived; the rest of the answer does not matter.
    answer.body.on('error', () => {}).destroy();
    return undefined;
  }
  const said = await beginningOf(answer.body);
  const message = `${url.host} answers ${status}${status < 400 ? ', a redirect' : ''}${said && `: ${said}`}`;
  if (status === 429) {
    const quiet = quietMs(answer.headers['retry-after'], said);
    return new Refused(`${message}; it wants no more for ${Math.ceil(quiet / 1000)} s`, quiet);
  }
  return new Refused(message, status >= 500 ? RETRY_MS : undefined);
}

async function beginningOf(body: Dispatcher.ResponseData['body']): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MOST_ANSWER_BYTES) break;
  }
  // An HTML page is no use in one line.
  return /^\s*</.test(text) ? '' : text.slice(0, MOST_ANSWER_BYTES);
}

// Seconds in the header (RFC 9110, section 10.2.3), or in the body (Telegram: parameters.retry_after; Discord: retry_after).
function quietMs(header: string | string[] | undefined, body: string): number {
  const seconds = /^\d{1,9}(\.\d+)?$/.exec(String(header ?? '').trim())?.[0];
  const inBody = /"retry_after"\s*:\s*(\d{1,9}(?:\.\d+)?)/.exec(body)?.[1];
  return Math.max(RETRY_MS, Number(seconds ?? inBody ?? 60) * 1000);
}

function dispatcherFor(url: URL, { env, authorities }: Delivering): Dispatcher {
  const tls = url.protocol === 'https:' ? { ca: [...authorities] } : {};
  const proxy = (name: string): string => env[name.toLowerCase()] || env[name] || '';
  const proxies = { httpProxy: proxy('HTTP_PROXY'), httpsProxy: proxy('HTTPS_PROXY'), noProxy: proxy('NO_PROXY') };
  if ((!proxies.httpProxy && !proxies.httpsProxy) || isLoopback(url.hostname)) return new Agent({ connect: tls });
  return new EnvHttpProxyAgent({ connect: tls, requestTls: tls, ...proxies, proxyTunnel: false });
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
