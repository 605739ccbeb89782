import type { TokenEntry, TokenMistake } from './token-file.ts';

/** The wish for a token, as the user wrote it. */
export interface TokenWish {
  readonly name: string;
  readonly allow: readonly string[];
  /** A duration such as `90d`; undefined: it does not expire. */
  readonly expires: string | undefined;
}

/** A newly made token. swapctl keeps no copy of it. */
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
  /** Raises `config` for an invalid name, scope or duration. */
  create(wish: TokenWish): CreatedToken;
  /** Raises `config` for a file that can't be read, or that other users may write to. */
  list(file: string): Promise<ListedTokens>;
}

/** True if an entry no longer counts. */
export function isExpired({ expires }: Pick<TokenEntry, 'expires'>, now: number): boolean {
  return expires !== undefined && expires <= now;
}
