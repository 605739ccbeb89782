import { timingSafeEqual } from 'node:crypto';
import { isExpired } from '../../../core/access/desk.ts';
import { type Limited, Limiter } from '../../../core/access/limits.ts';
import type { Authenticated, Principal, Refusal, RefusalReason } from '../../../core/access/principal.ts';
import type { ServerConfig } from '../../../core/access/server-config.ts';
import { hasSubject, type Subject } from '../../../core/access/subject.ts';
import { isToken } from '../../../core/access/token.ts';
import { callerAddress, countedAs } from './address.ts';
import { hashOf } from './token.ts';
import type { KnownToken, Tokens } from './token-file.ts';

/** The credentials of a request. */
export interface Credentials {
  /** The Authorization header. */
  readonly authorization?: string | undefined;
  /** Only a certificate that the TLS layer has verified: `authorized` of the socket. */
  readonly clientCertificate?: { readonly authorized: boolean; readonly subject: Subject } | undefined;
  /** The address of the peer of the socket. */
  readonly address?: string | undefined;
  /** The X-Forwarded-For header. */
  readonly forwardedFor?: string | undefined;
  readonly socket: 'unix' | 'tcp';
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Decides who may call the server, and how often. */
export interface Gatekeeper {
  authenticate(credentials: Credentials): Promise<Authenticated>;
  /** Counts a change against the limit of its caller; the unix socket has none. */
  mayChange(principal: Principal, now: number): Limited;
}

// Nobody guesses a token; the limit keeps log and CPU free of callers that try.
const FAILURES = { burst: 10, everyMs: 6000, keys: 4096 };
const LOGGED = { burst: 1, everyMs: 60_000, keys: 4096 };
const CHANGES = { burst: 30, everyMs: 2000, keys: 4096 };
/** `Bearer ` and a token are far shorter; nothing longer is looked at. */
const LONGEST_HEADER = 256;

/**
 * Opens the door of a server. A peer on the unix socket is an administrator, because the rights of the socket decide who can
 * connect; a token there narrows that. Raises `config` for a `trust-proxy` that is no network.
 */
export function createGatekeeper(
  { clients, trustProxy }: Pick<ServerConfig, 'clients' | 'trustProxy'>,
  tokens: Tokens | undefined,
): Gatekeeper {
  const addressOf = callerAddress(trustProxy);
  const [failures, logged, changes] = [new Limiter(FAILURES), new Limiter(LOGGED), new Limiter(CHANGES)];
  const refused = (reason: RefusalReason, address: string, now: number): { refusal: Refusal } => {
    const key = countedAs(address);
    // A caller without a credential is not guessing.
    const limit: Limited = reason === 'no-credential' ? { ok: true } : failures.take(key, now);
    const log = logged.take(key, now).ok;
    const refusal = { reason, message: MESSAGES[reason], address, log };
    if (limit.ok) return { refusal: { ...refusal, status: 401 } };
    return { refusal: { ...refusal, status: 429, message: TOO_MANY, retryAfterS: limit.retryAfterS } };
  };
  return {
    authenticate: async ({ authorization, clientCertificate, address: peer, forwardedFor, socket, now }) => {
      const address = socket === 'unix' ? 'unix' : addressOf(peer, forwardedFor);
      // Good credentials are never limited: many good callers may share an address with one that guesses.
      if (authorization !== undefined) {
        const found = findToken(authorization, (await tokens?.current(now)) ?? [], now);
        return typeof found === 'string' ? refused(found, address, now) : { principal: { ...found, address } };
      }
      if (socket === 'unix')
        return { principal: { name: 'socket', scopes: [{ kind: 'admin' }], by: 'socket', address } };
      if (!clientCertificate?.authorized) return refused('no-credential', address, now);
      const client = clients.find(({ subject }) => hasSubject(clientCertificate.subject, subject));
      if (!client) return refused('unknown-certificate', address, now);
      return { principal: { name: client.name, scopes: client.scopes, by: 'certificate', address } };
    },
    mayChange: ({ by, name }, now) => (by === 'socket' ? { ok: true } : changes.take(`${by} ${name}`, now)),
  };
}

const TOO_MANY = 'too many failed logins from this address';

const MESSAGES: Readonly<Record<RefusalReason, string>> = {
  'no-credential': 'this address needs a token (Authorization: Bearer swapctl_…) or a client certificate',
  'not-a-token': 'this is not a swapctl token: it was changed or cut off (its checksum is wrong)',
  'unknown-token': 'this token is not valid',
  expired: 'this token has expired',
  'unknown-certificate': 'this client certificate is not listed under server.clients in swapctl.yml',
};

// Every entry is compared, in constant time: the time does not reveal a near match.
function findToken(
  header: string,
  known: readonly KnownToken[],
  now: number,
): Omit<Principal, 'address'> | RefusalReason {
  const token = bearerOf(header);
  if (token === undefined || !isToken(token)) return 'not-a-token';
  const hash = hashOf(token);
  const [entry] = known.filter((one) => timingSafeEqual(one.hash, hash));
  if (!entry) return 'unknown-token';
  return isExpired(entry, now) ? 'expired' : { name: entry.name, scopes: entry.scopes, by: 'token' };
}

function bearerOf(header: string): string | undefined {
  return header.length > LONGEST_HEADER ? undefined : /^Bearer +([\w]+) *$/i.exec(header)?.[1];
}
