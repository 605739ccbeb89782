import { type ErrorCode, messageOf, SwapError } from '../../../core/model/error.ts';
import { REFUSED_ADDRESS } from './addresses.ts';
import { NO_ANSWER, NO_END } from './connections.ts';

/** A coded error about a registry. */
export function problem(code: ErrorCode, message: string, hint?: string, cause?: unknown): SwapError {
  return new SwapError(code, message, { ...(hint ? { hint } : {}), ...(cause === undefined ? {} : { cause }) });
}

/** The system's or undici's code of an error, or of its cause. */
export function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  return cause === undefined ? '' : codeOf(cause);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name can not be resolved now',
  ETIMEDOUT: 'it can not be connected to in time',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  [NO_ANSWER]: 'it does not answer in time',
  [NO_END]: 'its answer does not come to an end',
  // Through a proxy.
  UND_ERR_CONNECT_TIMEOUT: 'it can not be connected to in time',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer in time',
  UND_ERR_BODY_TIMEOUT: 'its answer does not come to an end',
  UND_ERR_SOCKET: 'it closes the connection',
  ECONNRESET: 'it closes the connection',
};

const TLS = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO)/;

/** Why a host gave no answer, as an error for people. */
export function unreachable(host: string, error: unknown): SwapError {
  if (error instanceof SwapError) return error;
  const code = codeOf(error);
  if (code === REFUSED_ADDRESS)
    return problem(
      'bad-answer',
      `the registry redirects to ${host}, which is at a private address while the registry is not; swapctl does not follow that`,
      'the registry may be trying to reach services inside your network',
      error,
    );
  if (TLS.test(code))
    return problem(
      'registry-unreachable',
      `${host} can't be trusted: ${messageOf(error)}`,
      `put its authority into /etc/docker/certs.d/${host}/ca.crt, as for docker itself`,
      error,
    );
  const why =
    REASONS[code] ?? ((error as Error).name === 'TimeoutError' ? 'it does not answer in time' : messageOf(error));
  return problem('registry-unreachable', `${host} can't be asked: ${why}`, undefined, error);
}

/** The error for an unexpected answer; `what` is the reference in question. */
export function refusal(what: string, host: string, status: number, body: Buffer): SwapError {
  const said = `${status}${saidCode(body)}`;
  if (status === 401 || status === 403)
    return problem(
      'login',
      `${host} does not let ${what} be read (${said})`,
      'docker login on this machine (as the user that runs swapctl), or is the name misspelt?',
    );
  if (status === 404)
    return problem('no-such-image', `there is no ${what} in ${host} (${said})`, 'check the name and the tag');
  if (status >= 500) return problem('registry-unreachable', `${host} answers ${said} for ${what}`);
  return problem('bad-answer', `${host} answers ${said} for ${what}`);
}

// Only the code (OCI distribution specification, error codes): the rest is free text, and might repeat the request.
function saidCode(body: Buffer): string {
  const code = /"code"\s*:\s*"([A-Z_]{3,40})"/.exec(body.subarray(0, 2000).toString('latin1'))?.[1];
  return code ? ` ${code}` : '';
}
