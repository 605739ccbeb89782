import { connect as connectNet, isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { fail, messageOf } from '../../../core/model/error.ts';
import type { Dial } from './agent.ts';
import type { Endpoint } from './endpoint.ts';
import { sshDial } from './ssh.ts';
import type { Tls } from './world.ts';

type TcpEndpoint = Endpoint & { kind: 'tcp' };

/** The time limit for each connection, and the program in place of `ssh`. */
export type DialOptions = { readonly timeoutMs: number; readonly sshProgram?: string | undefined };

/** A function that opens connections to an endpoint; fails with 'config' if its TLS files can't be used. */
export function dialOf(endpoint: Endpoint, { timeoutMs, sshProgram }: DialOptions): Dial {
  if (endpoint.kind === 'ssh') return sshDial(endpoint, timeoutMs, sshProgram);
  if (endpoint.kind === 'unix')
    return (done) => done(null, limited(connectNet({ path: endpoint.path }), 'connect', timeoutMs));
  if (!endpoint.tls) return (done) => done(null, limited(overTcp(endpoint), 'connect', timeoutMs));
  const { verify } = endpoint.tls;
  const secureContext = contextOf(endpoint.tls, endpoint.origin);
  return (done) => done(null, limited(overTls(endpoint, { secureContext, verify }), 'secureConnect', timeoutMs));
}

/** Keep-alive probes detect a dead peer behind a silent stream (events). */
function overTcp({ host, port }: TcpEndpoint): Socket {
  return connectNet({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
}

function overTls(endpoint: TcpEndpoint, tls: { secureContext: SecureContext; verify: boolean }): TLSSocket {
  const { host, port } = endpoint;
  const named = isIP(host) === 0 ? { servername: host } : {};
  const socket = connectTls({ host, port, ...named, secureContext: tls.secureContext, rejectUnauthorized: tls.verify });
  return socket.setNoDelay(true).setKeepAlive(true, 30_000) as TLSSocket;
}

function contextOf({ ca, cert, key }: Tls, origin: string): SecureContext {
  try {
    return createSecureContext({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
  } catch (error) {
    return fail('config', `the TLS files of ${origin} can't be used: ${messageOf(error)}`, {
      hint: 'ca.pem, cert.pem and key.pem must be PEM files that belong together, the key without a passphrase',
    });
  }
}

/** Ends a connection that isn't ready in time, so that a request doesn't wait for the kernel's own minutes. */
function limited<S extends Socket>(socket: S, ready: 'connect' | 'secureConnect', timeoutMs: number): S {
  const late = () => socket.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' }));
  const timer = setTimeout(late, timeoutMs);
  socket.once(ready, () => clearTimeout(timer));
  socket.once('close', () => clearTimeout(timer));
  return socket;
}
