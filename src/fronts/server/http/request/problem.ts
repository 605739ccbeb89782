import { errorOf } from '../../../../app/jobs/raised.ts';
import { type ErrorCode, exitStatus, httpStatus, SwapError } from '../../../../core/model/error.ts';
import { sanitizeText } from '../../../../core/text/sanitize.ts';
import { LimitError } from '../../operations/limit.ts';

/** Problem details (RFC 9457) of a request that started nothing. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ErrorCode;
  /** The exit status that the command line has for the code. */
  readonly exit: number;
  readonly hint?: string;
  readonly choices?: readonly string[];
  /** For a refused second roll: the job in progress. */
  readonly roll?: string;
}

/** An error whose HTTP status is more exact than that of its code. */
export class HttpError extends SwapError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    { headers = {}, ...options }: { hint?: string; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(code, message, options);
    this.status = status;
    this.headers = headers;
  }
}

const RETRY_AFTER_S = '10';

/** The answer to a request that raised an error. */
export function problemResponse(raised: unknown, instance: string): Response {
  const error = errorOf(raised);
  const own = error instanceof HttpError ? error.headers : headersOf(error);
  const status = error instanceof HttpError ? error.status : httpStatus(error.code);
  const body = JSON.stringify(problemOf(error, status, instance));
  const retry = status === 503 || status === 429 ? { 'retry-after': RETRY_AFTER_S } : {};
  const head = { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...retry, ...own };
  return new Response(`${body}\n`, { status, headers: head });
}

function headersOf(error: SwapError): Readonly<Record<string, string>> {
  if (error.code === 'unauthenticated') return { 'www-authenticate': 'Bearer' };
  return error instanceof LimitError ? { 'retry-after': String(error.retryAfterS) } : {};
}

function problemOf(error: SwapError, status: number, instance: string): Problem {
  const { code, message, hint, choices } = error;
  const [id] = choices;
  const isBusy = code === 'busy' && id !== undefined;
  return {
    type: `urn:swapctl:error:${code}`,
    title: TITLES[status] ?? 'The request was refused',
    status,
    detail: sanitizeText(message),
    instance,
    code,
    exit: exitStatus(code),
    ...(hint ? { hint: sanitizeText(hint) } : {}),
    ...(choices.length > 0 && !isBusy ? { choices: choices.map(sanitizeText) } : {}),
    ...(isBusy ? { roll: `/v1/rolls/${id}` } : {}),
  };
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is wrong',
  401: 'The caller is not known',
  403: 'The caller may not do this',
  404: 'There is no such thing',
  405: 'The path has no such method',
  409: 'The request does not fit the state now',
  412: 'The condition of the request does not hold',
  413: 'The request is too large',
  415: 'The body has another type than JSON',
  422: 'The request can not be fulfilled',
  428: 'The request needs a confirmation',
  429: 'There are too many requests',
  500: 'swapctl failed unexpectedly',
  502: 'A registry gave a wrong answer',
  503: 'The engine or a registry is out of reach',
};
