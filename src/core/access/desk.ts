import type { TokenEntry, TokenMistake } from './token-file.ts';

/** What a token is to permit, as it was written. */
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

/** What `swapctl token` does; it needs no engine. */
export interface TokenDesk {
  /** Raises `config` for a name, scope or duration that is none. */
  create(wish: TokenWish): CreatedToken;
  /** Raises `config` for a file that can't be read, or that others may write to. */
  list(file: string): Promise<ListedTokens>;
}

/** Whether an entry still counts. */
export function isExpired({ expires }: Pick<TokenEntry, 'expires'>, now: number): boolean {
  return expires !== undefined && expires <= now;
}
