import { fail } from '../../core/model/error.ts';
import { printable } from '../../core/text/suggest.ts';

/** The address of a server: the origin of its URLs, and the unix socket behind it. */
export interface ServerAddress {
  readonly text: string;
  readonly origin: string;
  readonly socketPath: string | undefined;
}

const HINT = 'write it like unix:///run/swapctl/swapctl.sock or https://host.example.org:8443';

/**
 * Reads `unix:///PATH`, `https://HOST:PORT`, or `http://` for this machine only: a token must not cross a network in plain text.
 * Raises `usage`.
 */
export function serverAddress(text: string): ServerAddress {
  if (/^unix:\/\/\/./.test(text)) return { text, origin: 'http://swapctl', socketPath: text.slice('unix://'.length) };
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    return fail('usage', `${printable(text)} is not the address of a server`, { hint: HINT });
  const { protocol, hostname, origin, pathname, search, username, password } = new URL(text);
  if (pathname !== '/' || search !== '' || username !== '' || password !== '')
    return fail('usage', 'the address of a server has no path and no login', {
      hint: `${HINT}; give the token in SWAPCTL_TOKEN`,
    });
  if (protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname))
    return fail('usage', `${origin}: http would send the token over the network in plain text`, { hint: 'use https' });
  return { text, origin, socketPath: undefined };
}
