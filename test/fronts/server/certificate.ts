// Certificates that a test makes for itself.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

/** Writes a certificate of NAME and 127.0.0.1 that signs itself, and its key, as `NAME.crt` and `NAME.key`. */
export function certificate(folder: string, name: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [path.join(folder, `${name}.crt`), path.join(folder, `${name}.key`)];
  const usual = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=IP:127.0.0.1,DNS:${name}`];
  execFileSync('openssl', [...usual, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { cert, key };
}
