import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** The usual answer of a fake engine to GET /version. */
export const VERSION = {
  Version: '28.5.2',
  ApiVersion: '1.51',
  MinAPIVersion: '1.24',
  Os: 'linux',
  Arch: 'amd64',
  Components: [{ Name: 'Engine', Version: '28.5.2' }],
};

/** A folder that is gone after the test; its path is short, since those of unix sockets end at 107 bytes. */
export function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'swc-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The requests of a fake engine: request lines and the number of connections. */
export type Seen = { readonly requests: string[]; readonly hosts: (string | undefined)[]; connections: number };

/** An HTTP server on a unix socket or a free tcp port that answers /version, /_ping and a hijacked exec that echoes. */
export async function fakeEngine(
  t: TestContext,
  options: { socket?: string; version?: unknown; status?: number; tls?: object },
): Promise<{ port: number; seen: Seen; server: Server }> {
  const seen: Seen = { requests: [], hosts: [], connections: 0 };
  const listener: RequestListener = (request, response) => {
    seen.requests.push(`${request.method} ${request.url}`);
    seen.hosts.push(request.headers.host);
    const version = request.url?.endsWith('/version');
    response.writeHead(options.status ?? 200, { 'Content-Type': version ? 'application/json' : 'text/plain' });
    response.end(version ? JSON.stringify(options.version ?? VERSION) : 'OK');
  };
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  // By default Node closes idle connections after 5 s, unlike any engine: a client on a busy machine may be slower.
  server.keepAliveTimeout = 0;
  server.on('connection', () => {
    seen.connections += 1;
  });
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    socket.on('data', (chunk) => socket.write(`echo ${chunk}`));
    socket.on('end', () => socket.end('bye'));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) =>
    options.socket ? server.listen(options.socket, resolve) : server.listen(0, '127.0.0.1', resolve),
  );
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { port: typeof address === 'object' ? (address as AddressInfo).port : 0, seen, server };
}

/** A CA, a certificate for `localhost` and 127.0.0.1, and one for a client, as ca.pem, server-*.pem, cert.pem and key.pem in a folder. */
export function makeCertificates(folder: string, name = 'localhost', san = 'DNS:localhost,IP:127.0.0.1'): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-addext', 'basicConstraints=critical,CA:FALSE'];
  openssl('req', '-x509', ...ec, '-subj', '/CN=test ca', '-keyout', 'ca-key.pem', '-out', 'ca.pem');
  const server = ['-keyout', 'server-key.pem', '-out', 'server-cert.pem', '-addext', `subjectAltName=${san}`];
  openssl('req', '-x509', ...ec, '-subj', `/CN=${name}`, ...signed, ...server);
  openssl('req', '-x509', ...ec, '-subj', '/CN=client', ...signed, '-keyout', 'key.pem', '-out', 'cert.pem');
}
