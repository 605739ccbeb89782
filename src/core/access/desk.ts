import type { TokenEntry, TokenMistake } from './token-file.ts';

/** The wish for a token, as the user wrote it. */
export interface TokenWish {
  readonly name: string;
  readonly allow: readonly string[];
  /** A duration such as `90d`; undefined: it does not expire. */
  readonly expires: string | undefined;
}

/** A token that was just made. swapctl keeps no copy of the token. */
export interface CreatedToken {
  readonly name: string;
  readonly token: string;
  /** The line for the token file. */
  readonly line: string;
  readonly expires?: string;
}

/** A token file as `swapctl token list` prints it. */
export interface ListedTokens {
  readonly file: string;
  readonly tokens: readonly {
    readonly name: string;
    readonly allow: readonly string[];
    readonly expires?: string;
    readonly state: 'valid' | 'expired';
  }[];
  readonly mistakes: readonly TokenMistake[];
}

/** The use cases of `swapctl token`; they need no engine. */
export interface TokenDesk {
  /** Raises `config` for a name, scope or duration that is none. */
  create(wish: TokenWish): CreatedToken;
  /** Raises `config` for a file that can't be read, or that others may write to. */
  list(file: string): Promise<ListedTokens>;
}

/** True if an entry no longer counts. */
export function isExpired({ expires }: Pick<TokenEntry, 'expires'>, now: number): boolean {
  return expires !== undefined && expires <= now;
}
