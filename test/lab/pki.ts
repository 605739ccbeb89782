// Certificates for engines that are reached over TCP: an authority, a server, a client, and an authority that nobody knows.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export type Pki = ReturnType<typeof makePki>;

/** An authority with a certificate for the engine and one for a client, and one that nobody knows. */
export function makePki() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-pki-'));
  const file = (name: string) => path.join(folder, name);
  const openssl = (...args: string[]) => void execFileSync('openssl', args, { stdio: 'pipe' });
  const authority = (name: string) =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      file(`${name}.key`),
      '-out',
      file(`${name}.crt`),
    );
  const signed = (name: string, extensions: string) => {
    openssl(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      file(`${name}.key`),
      '-out',
      file(`${name}.csr`),
    );
    writeFileSync(file(`${name}.ext`), extensions);
    openssl(
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      file(`${name}.csr`),
      '-CA',
      file('ca.crt'),
      '-CAkey',
      file('ca.key'),
      '-CAcreateserial',
      '-extfile',
      file(`${name}.ext`),
      '-out',
      file(`${name}.crt`),
    );
  };
  authority('ca');
  authority('strange');
  signed(
    'server',
    `subjectAltName=${ADDRESSES.map((address) => `IP:${address}`).join(',')}\nextendedKeyUsage=serverAuth\n`,
  );
  signed('client', 'extendedKeyUsage=clientAuth\n');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file('strange_ssh')]);
  const pem = (name: string) => ({
    cert: readFileSync(file(`${name}.crt`), 'utf8'),
    key: readFileSync(file(`${name}.key`), 'utf8'),
  });
  return {
    ca: readFileSync(file('ca.crt'), 'utf8'),
    files: {
      ca: file('ca.crt'),
      server: { ca: file('ca.crt'), cert: file('server.crt'), key: file('server.key') },
      client: { cert: file('client.crt'), key: file('client.key') },
    },
    server: { ca: file('ca.crt'), cert: file('server.crt'), key: file('server.key') },
    client: pem('client'),
    strange: pem('strange'),
    strangeKey: readFileSync(file('strange_ssh'), 'utf8'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

// The engine's address is known only once it runs, and it wants the certificate before: all that it may have.
const ADDRESSES = ['127.0.0.1', ...Array.from({ length: 254 }, (_, at) => `10.231.${at + 1}.2`)];
