import { isExpired, type TokenDesk, type TokenWish } from '../../../core/access/desk.ts';
import { parseScope, scopeText } from '../../../core/access/scope.ts';
import { tokenLine, tokenName } from '../../../core/access/token-file.ts';
import { fail } from '../../../core/model/error.ts';
import { parseDuration } from '../../../core/text/duration.ts';
import { hashOf, newToken } from './token.ts';
import { loadTokens } from './token-file.ts';

/** Makes tokens, and lists those of a file. */
export function openTokenDesk(now: () => number): TokenDesk {
  return {
    create: ({ name, allow, expires }: TokenWish) => {
      const scopes = allow.flatMap((list) => list.split(',')).map((text) => parseScope(text.trim()));
      if (scopes.length === 0)
        fail('config', 'a token needs at least one --allow', { hint: "try --allow 'roll:shop/*'" });
      const until = expires === undefined ? undefined : now() + parseDuration(expires, '--expires', '365d');
      const token = newToken();
      const line = tokenLine({ name: tokenName(name), hash: hashOf(token).toString('hex'), scopes, expires: until });
      return { name, token, line, ...(until === undefined ? {} : { expires: new Date(until).toISOString() }) };
    },
    list: async (file) => {
      const { entries, mistakes } = await loadTokens(file);
      const tokens = entries.map((entry) => ({
        name: entry.name,
        allow: entry.scopes.map(scopeText),
        ...(entry.expires === undefined ? {} : { expires: new Date(entry.expires).toISOString() }),
        state: isExpired(entry, now()) ? ('expired' as const) : ('valid' as const),
      }));
      return { file, tokens, mistakes };
    },
  };
}
