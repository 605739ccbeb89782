import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Credentials } from './authenticate.ts';

/** The origin of a request. */
export interface Peer {
  /** The socket of the request; that of HTTP/2 is a stand-in with the same properties. */
  readonly socket: Socket | undefined;
  readonly transport: 'unix' | 'tcp';
}

/** The credentials of a request, and its origin. */
export function credentialsOf(headers: Pick<Headers, 'get'>, { socket, transport }: Peer): Omit<Credentials, 'now'> {
  return {
    authorization: headers.get('authorization') ?? undefined,
    forwardedFor: headers.get('x-forwarded-for') ?? undefined,
    address: socket?.remoteAddress,
    socket: transport,
    clientCertificate: certificateOf(socket),
  };
}

function certificateOf(socket: Socket | undefined): Credentials['clientCertificate'] {
  const { authorized, getPeerCertificate } = (socket ?? {}) as Partial<TLSSocket>;
  const certificate = getPeerCertificate?.call(socket);
  if (!certificate?.subject) return undefined;
  return { authorized: authorized === true, subject: { ...certificate.subject } };
}
