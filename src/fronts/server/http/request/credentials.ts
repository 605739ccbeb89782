import type { TLSSocket } from 'node:tls';
import type { Credentials } from '../../access/authenticate.ts';
import type { Bindings } from './bindings.ts';

/** The credentials of a request, and where it comes from. */
export function credentialsOf(request: Request, { incoming, transport }: Bindings): Omit<Credentials, 'now'> {
  const socket = incoming.socket as Partial<TLSSocket> | undefined;
  return {
    authorization: request.headers.get('authorization') ?? undefined,
    forwardedFor: request.headers.get('x-forwarded-for') ?? undefined,
    address: socket?.remoteAddress,
    socket: transport,
    clientCertificate: certificateOf(socket),
  };
}

function certificateOf(socket: Partial<TLSSocket> | undefined): Credentials['clientCertificate'] {
  const certificate = socket?.getPeerCertificate?.();
  if (!certificate?.subject) return undefined;
  return { authorized: socket?.authorized === true, subject: { ...certificate.subject } };
}
