import { messageOf, SwapError } from '../../../core/model/error.ts';
import { type Endpoint, showEndpoint } from './endpoint.ts';

type Said = { readonly message: string; readonly hint: string };

const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/;

/**
 * The 'engine-unreachable' error, with advice for the user, for a failed connection to the endpoint; undefined for any other
 * error (an engine's answer, say).
 */
export function unreachable(endpoint: Endpoint, error: unknown): SwapError | undefined {
  const code = codeOf(error);
  if (code === undefined) return undefined;
  const said = sayOf(endpoint, code, error);
  return said && new SwapError('engine-unreachable', said.message, { hint: said.hint, cause: error });
}

/** Aborted by AbortSignal.timeout counts as a timeout; aborted by the user doesn't. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || 'statusCode' in error) return undefined;
  const cause = error.cause instanceof Error ? error.cause : error;
  if (cause.name === 'TimeoutError') return 'ETIMEDOUT';
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : undefined;
}

function sayOf(endpoint: Endpoint, code: string, error: unknown): Said | undefined {
  if (code === 'ESSH') return { message: messageOf(error), hint: (error as Said & Error).hint };
  if (TLS_CODE.test(code)) return tls(endpoint, code, messageOf(error));
  const where = showEndpoint(endpoint);
  const from = `the address comes from ${endpoint.origin}`;
  if (endpoint.kind === 'unix')
    return (
      unixSocket(endpoint.path, code, `is it running? (systemctl status docker); ${from}`) ?? dropped(where, code, from)
    );
  return overNetwork(endpoint.host, where, code, from) ?? dropped(where, code, from);
}

function unixSocket(path: string, code: string, hint: string): Said | undefined {
  const nobody = `no Docker Engine answers at unix://${path}`;
  if (code === 'ENOENT') return { message: `${nobody}: there is no such socket`, hint };
  if (code === 'ECONNREFUSED') return { message: `${nobody}: nobody listens on the socket`, hint };
  if (code === 'EACCES' || code === 'EPERM')
    return { message: `permission denied on ${path}`, hint: 'run as root or as a member of the group docker' };
  return undefined;
}

function overNetwork(host: string, where: string, code: string, from: string): Said | undefined {
  const nobody = `no Docker Engine answers at ${where}`;
  if (code === 'ECONNREFUSED')
    return {
      message: `${nobody}: the connection was refused`,
      hint: `is it running, and does it listen on this port? ${from}`,
    };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return { message: `${nobody}: the host name ${host} can't be resolved`, hint: `check the spelling; ${from}` };
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return { message: `${nobody}: there is no route to ${host}`, hint: `check the network; ${from}` };
  return undefined;
}

function dropped(where: string, code: string, from: string): Said | undefined {
  if (code === 'ETIMEDOUT')
    return {
      message: `no Docker Engine answers at ${where}: nothing came back in time`,
      hint: `is it up and not blocked by a firewall? ${from}`,
    };
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return {
      message: `the engine at ${where} broke the connection`,
      hint: `was it stopped or restarted, or does it want TLS (DOCKER_TLS_VERIFY)? ${from}`,
    };
  if (code.startsWith('HPE_'))
    return {
      message: `what answers at ${where} does not speak HTTP`,
      hint: `does it want TLS (DOCKER_TLS_VERIFY)? ${from}`,
    };
  return undefined;
}

function tls(endpoint: Endpoint, code: string, message: string): Said {
  const where = showEndpoint(endpoint);
  const from = `the TLS files come from ${endpoint.origin === 'DOCKER_HOST' || endpoint.origin === '--host' ? 'DOCKER_CERT_PATH' : endpoint.origin}`;
  if (/WRONG_VERSION_NUMBER|EPROTO|PACKET_LENGTH/.test(code))
    return {
      message: `the engine at ${where} does not speak TLS`,
      hint: 'unset DOCKER_TLS_VERIFY, or use the port that speaks TLS (2376 as a rule)',
    };
  if (/ALERT/.test(code))
    return {
      message: `the engine at ${where} refused the TLS certificate of this client`,
      hint: `it wants a certificate of its own CA (cert.pem and key.pem); ${from}`,
    };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      message: `the certificate of the engine at ${where} is for another name`,
      hint: 'use the host name that the certificate bears',
    };
  if (code === 'CERT_HAS_EXPIRED')
    return { message: `the certificate of the engine at ${where} has expired`, hint: 'renew it on the engine' };
  return {
    message: `the certificate of the engine at ${where} can't be verified: ${message}`,
    hint: `ca.pem must be the CA that signed it; ${from}`,
  };
}
