import { Agent, type Dispatcher, request } from 'undici';
import { type ErrorCode, fail, isErrorCode, messageOf, SwapError } from '../../core/model/error.ts';
import type { Call as TracedCall } from '../../core/report/progress.ts';
import type { ServerAddress } from './address.ts';

/** One request to the API. */
export interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** A success answer. */
export interface Answer {
  readonly status: number;
  readonly etag: string | undefined;
  readonly document: unknown;
}

/** The connection to a server. */
export interface Connection {
  /** Raises the error of a problem document, and `engine-unreachable` for a server that does not answer. */
  call(call: Call): Promise<Answer>;
  close(): void;
}

const CONNECT_MS = 10_000;
/** Longer than the longest wait that a request asks for. */
const ANSWER_MS = 120_000;
const MOST_BYTES = 64 * 1024 * 1024;

/** Reports the calls of a client, and has a clock for how long they took. */
export interface CallTrace {
  readonly now: () => number;
  readonly report: (call: { readonly kind: 'call' } & TracedCall) => void;
}

/** Connects to a server when the first request needs it. */
export function connect(address: ServerAddress, token: string | undefined, trace?: CallTrace): Connection {
  const { socketPath } = address;
  const agent = new Agent({
    connect: { timeout: CONNECT_MS, ...(socketPath === undefined ? {} : { socketPath }) },
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS,
  });
  const login = token ? { authorization: `Bearer ${token}` } : {};
  return {
    call: (call) => traced(call, trace, () => exchange(address, agent, login, call)),
    close: () => void agent.destroy().catch(() => {}),
  };
}

async function traced(call: Call, trace: CallTrace | undefined, ask: () => Promise<Answer>): Promise<Answer> {
  if (!trace) return ask();
  const { method = 'GET', path } = call;
  const began = trace.now();
  const end = (status: string): void =>
    trace.report({ kind: 'call', to: 'server', what: `${method} ${path}`, status, ms: trace.now() - began });
  try {
    const answer = await ask();
    end(String(answer.status));
    return answer;
  } catch (raised) {
    end(raised instanceof SwapError ? raised.code : 'failed');
    throw raised;
  }
}

/** Path of a service in the API. */
export function pathOf(service: string, more = ''): string {
  return `/v1/services/${encodeURIComponent(service)}${more}`;
}

async function exchange(
  address: ServerAddress,
  dispatcher: Dispatcher,
  login: Readonly<Record<string, string>>,
  { method = 'GET', path, body, headers, signal }: Call,
): Promise<Answer> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const sent = { method, headers: { ...login, ...json, ...headers }, dispatcher };
  const whole = { ...sent, ...(body === undefined ? {} : { body: JSON.stringify(body) }), signal: signal ?? null };
  const {
    statusCode: status,
    headers: head,
    body: stream,
  } = await request(`${address.origin}${path}`, whole).catch((error) => away(address, error));
  const text = status === 304 ? '' : await textOf(address, stream);
  const document = parsed(text);
  if (status >= 400) throw problem(address, status, document);
  if (status !== 304 && document === undefined) return fail('bad-answer', `${address.text} does not answer as swapctl`);
  return { status, etag: typeof head.etag === 'string' ? head.etag : undefined, document };
}

function away({ text }: ServerAddress, error: unknown): never {
  return fail('engine-unreachable', `the server ${text} can't be reached: ${messageOf(error) || 'no connection'}`, {
    hint: 'does swapctl serve run there, and may this user connect?',
    cause: error,
  });
}

async function textOf(address: ServerAddress, stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      bytes += chunk.byteLength;
      if (bytes > MOST_BYTES) return fail('bad-answer', `${address.text} answers without an end`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof SwapError) throw error;
    return away(address, error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// Problem details (RFC 9457), with swapctl's code and hint.
function problem({ text }: ServerAddress, status: number, document: unknown): SwapError {
  const { code, detail, hint } = (document ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof detail !== 'string') return new SwapError('bad-answer', `${text} answers with the status ${status}`);
  const known: ErrorCode = typeof code === 'string' && isErrorCode(code) ? code : 'refused';
  return new SwapError(known, detail, typeof hint === 'string' ? { hint } : {});
}
