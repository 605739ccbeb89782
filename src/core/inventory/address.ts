import { type ErrorCode, fail } from '../model/error.ts';

/** An engine's address as written, before TLS and defaults are known. */
export type Address =
  | { readonly kind: 'default' }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port?: number }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly user?: string;
      readonly port?: number;
      readonly socket?: string;
    };

/** The place where an address was written, for messages, and the error code that fits it. */
export type Source = { readonly origin: string; readonly code: ErrorCode };

const ALLOWED = 'allowed: unix:///path/to/docker.sock, tcp://host:port, ssh://user@host:port';

/**
 * Parses unix://, tcp:// (also bare host:port, as docker does) and ssh:// addresses; fails with the source's code and the allowed
 * forms.
 */
export function parseAddress(text: string, source: Source): Address {
  const value = text.trim();
  if (value === '') return { kind: 'default' };
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(value) ?? [];
  if (scheme === undefined) return parseBare(value, source);
  if (scheme === 'unix') return parseUnix(rest ?? '', source);
  if (scheme === 'tcp') return parseTcp(value, source);
  if (scheme === 'ssh') return parseSsh(value, source);
  if (scheme === 'npipe') return wrong(source, 'is a Windows named pipe, which swapctl does not speak');
  if (scheme === 'http' || scheme === 'https') return wrong(source, `begins with ${scheme}://; docker writes tcp://`);
  return wrong(source, `begins with ${scheme}://`);
}

function parseBare(value: string, source: Source): Address {
  if (value.startsWith('/')) return wrong(source, `is a path; write unix://${value}`);
  return parseTcp(`tcp://${value}`, source);
}

function parseUnix(path: string, source: Source): Address {
  if (path === '') return { kind: 'default' };
  if (!path.startsWith('/')) return wrong(source, 'names a socket by a relative path');
  return { kind: 'unix', path };
}

function parseTcp(value: string, source: Source): Address {
  // Docker accepts tcp://:2375, which is not a valid URL.
  const url = parseUrl(value.replace(/^tcp:\/\/(?=:\d)/i, 'tcp://localhost'), source);
  if (url.username || url.password) return wrong(source, 'has a user in a tcp address');
  if (url.pathname !== '' && url.pathname !== '/') return wrong(source, 'has a path after the host');
  return { kind: 'tcp', host: bare(url.hostname) || 'localhost', ...portOf(url) };
}

/** ssh would read a user or host that starts with a dash as an option, and passwords do not belong in a URL. */
function parseSsh(value: string, source: Source): Address {
  const url = parseUrl(value, source);
  const user = decodeURIComponent(url.username);
  const host = bare(url.hostname);
  if (url.password) return wrong(source, 'has a password in it; ssh logs in by key');
  if (host === '') return wrong(source, 'has no host');
  if (host.startsWith('-') || user.startsWith('-')) return wrong(source, 'has a user or host that begins with a dash');
  const socket = decodeURIComponent(url.pathname.replace(/\/$/, ''));
  return { kind: 'ssh', host, ...(user && { user }), ...portOf(url), ...(socket && { socket }) };
}

function parseUrl(value: string, source: Source): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || url.search || url.hash || malformed(url)) return wrong(source, 'is no address');
  return url;
}

function malformed(url: URL): boolean {
  try {
    return decodeURIComponent(url.username + url.pathname + url.hostname).includes('\0');
  } catch {
    return true;
  }
}

/** Only URLs put IPv6 addresses in brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function portOf(url: URL): { port?: number } {
  return url.port === '' ? {} : { port: Number(url.port) };
}

/** Do not repeat the value: it may hold a password. */
function wrong(source: Source, what: string): never {
  return fail(source.code, `the engine's address given by ${source.origin} ${what}`, { hint: ALLOWED });
}
