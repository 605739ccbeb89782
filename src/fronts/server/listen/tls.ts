import type { SecureServerOptions } from 'node:http2';
import { createSecureContext } from 'node:tls';
import { readText } from '../../../adapters/files/read.ts';
import type { ServerConfig } from '../../../core/access/server-config.ts';
import { fail, messageOf } from '../../../core/model/error.ts';

/** Paths of the TLS files. */
export type TlsFiles = NonNullable<ServerConfig['tls']>;
/** The content of the TLS files. */
export type TlsTexts = Pick<SecureServerOptions, 'cert' | 'key' | 'ca'>;

/** Reads certificate, key and the authority of clients. Raises `config` for files that can't be read or used. */
export async function readTls({ cert, key, ca }: TlsFiles): Promise<TlsTexts> {
  try {
    const [certText, keyText, caText] = await Promise.all([cert, key, ca].map(written));
    const texts = { cert: certText, key: keyText, ...(caText === undefined ? {} : { ca: caText }) };
    createSecureContext(texts);
    return texts;
  } catch (error) {
    return fail('config', `the TLS files of the server can't be used: ${messageOf(error)}`, {
      hint: `see ${[cert, key, ca].filter(Boolean).join(', ')} (server.tls in swapctl.yml)`,
      cause: error,
    });
  }
}

// Node treats an empty file as none: then no handshake succeeds, or every public authority may name clients.
async function written(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = await readText(file);
  if (text.trim() === '') throw new Error(`${file} is empty`);
  return text;
}
