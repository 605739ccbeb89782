import { createHash, randomBytes } from 'node:crypto';
import { tokenOf } from '../../../core/access/token.ts';

const SECRET_BYTES = 32;

/** A new token, from 256 bits of the kernel's randomness. */
export function newToken(): string {
  return tokenOf(randomBytes(SECRET_BYTES));
}

/**
 * The hash in the token file. A plain SHA-256 is right here: slow, salted hashes protect passwords, which users choose and attackers
 * guess. Nobody can guess 256 random bits, and a slow hash would let each wrong token cost much CPU time.
 */
export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
