import type { Http2SecureServer } from 'node:http2';
import { messageOf } from '../../../core/model/error.ts';
import type { ServerLog } from '../world.ts';
import { readTls, type TlsFiles, type TlsTexts } from './tls.ts';

/** The TLS files of listening servers, which are read again. */
export interface TlsReload {
  /** Checks the files now. It never rejects: the log names the mistake. */
  look(): Promise<void>;
  stop(): void;
}

/**
 * Reads the TLS files repeatedly. A renewed certificate counts from the next connection on; unusable files leave the previous one in
 * force.
 */
export function reloadTls(
  files: TlsFiles,
  first: TlsTexts,
  servers: readonly Pick<Http2SecureServer, 'setSecureContext'>[],
  { log, everyMs }: { readonly log: ServerLog; readonly everyMs: number },
): TlsReload {
  let known = JSON.stringify(first);
  let told = '';
  const renew = async (): Promise<void> => {
    const texts = await readTls(files);
    told = '';
    if (JSON.stringify(texts) === known) return;
    known = JSON.stringify(texts);
    for (const server of servers) server.setSecureContext(texts);
    log.write('info', 'the TLS certificate of the server was read again');
  };
  const complain = (raised: unknown): void => {
    const why = messageOf(raised);
    if (why !== told) log.write('error', `${why}; the certificate before stays in use`);
    told = why;
  };
  const look = (): Promise<void> => renew().catch(complain);
  const timer = setInterval(() => void look(), everyMs).unref();
  return { look, stop: () => clearInterval(timer) };
}
