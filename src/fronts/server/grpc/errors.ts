import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorInfoSchema, RetryInfoSchema } from '#proto/google/rpc/error_details_pb';
import { errorOf } from '../../../app/jobs/raised.ts';
import { exitStatus, type GrpcStatus, grpcStatus, type SwapError } from '../../../core/model/error.ts';
import { clipText, sanitizeText } from '../../../core/text/sanitize.ts';
import { LimitError } from '../operations/limit.ts';

const CODES: Readonly<Record<GrpcStatus, Code>> = {
  invalid_argument: Code.InvalidArgument,
  not_found: Code.NotFound,
  aborted: Code.Aborted,
  failed_precondition: Code.FailedPrecondition,
  resource_exhausted: Code.ResourceExhausted,
  permission_denied: Code.PermissionDenied,
  unauthenticated: Code.Unauthenticated,
  unavailable: Code.Unavailable,
  internal: Code.Internal,
};

// Errors travel in headers, and clients take few kilobytes of them.
const LONGEST = 1000;
const MOST_CHOICES = 20;
const RETRY_AFTER_S = 10;

/** The error of a failed call: the code of the one table, with swapctl's own code and hint as details. */
export function connectErrorOf(raised: unknown): ConnectError {
  if (raised instanceof ConnectError) return raised;
  const error = errorOf(raised);
  const status = grpcStatus(error.code);
  const retry = retryAfterS(error, status);
  return new ConnectError(shortText(error.message), CODES[status], undefined, [
    info(error.code, { exit: String(exitStatus(error.code)), ...moreOf(error) }),
    ...(retry === undefined ? [] : [{ desc: RetryInfoSchema, value: { retryDelay: { seconds: BigInt(retry) } } }]),
  ]);
}

/** The end of a stream whose job goes on. */
export function streamEnded(code: Code, message: string, job: string): ConnectError {
  const goesOn = `${message}; job ${job} goes on`;
  const hint = 'call WatchJob to follow it, and CancelJob to cancel it';
  return new ConnectError(goesOn, code, undefined, [info('stream-ended', { job, hint })]);
}

function info(reason: string, metadata: Readonly<Record<string, string>>) {
  return { desc: ErrorInfoSchema, value: { reason, domain: 'swapctl', metadata } };
}

function moreOf({ code, hint, choices }: SwapError): Record<string, string> {
  const [id] = choices;
  const named = choices.slice(0, MOST_CHOICES).map(shortText).join(',');
  return {
    ...(hint ? { hint: shortText(hint) } : {}),
    ...(id === undefined ? {} : code === 'busy' ? { job: id } : { choices: named }),
  };
}

function retryAfterS(error: SwapError, status: GrpcStatus): number | undefined {
  if (error instanceof LimitError) return error.retryAfterS;
  return status === 'unavailable' ? RETRY_AFTER_S : undefined;
}

function shortText(text: string): string {
  return clipText(sanitizeText(text), LONGEST);
}
