import { fail } from '../model/error.ts';
import { printable } from '../text/suggest.ts';

/** An address on which the server listens. */
export type Listen =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** The address of the server if none is configured. */
export const USUAL_SOCKET = '/run/swapctl/swapctl.sock';

// Longer paths do not fit into sockaddr_un, with the byte 0 at its end.
const LONGEST_PATH = 107;
const TCP = /^tcp:\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;

/** Reads `unix:///PATH` or `tcp://ADDRESS:PORT`. Raises `config`. */
export function parseListen(text: string): Listen {
  if (/^unix:\/\/\/.*[^/]$/s.test(text)) return socketAt(text.slice('unix://'.length));
  const [, host, port] = TCP.exec(text) ?? [];
  if (host !== undefined && Number(port) <= 65_535)
    return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  return fail('config', `${printable(text)} is not an address to listen on`, {
    hint: `write it like unix://${USUAL_SOCKET} or tcp://127.0.0.1:8443`,
  });
}

function socketAt(path: string): Listen {
  if (new TextEncoder().encode(path).length > LONGEST_PATH)
    return fail('config', `the path of a unix socket has at most ${LONGEST_PATH} bytes: ${printable(path)}`);
  return { kind: 'unix', path };
}
