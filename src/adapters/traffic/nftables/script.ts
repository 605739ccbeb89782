declare const BRAND: unique symbol;

/**
 * One nft transaction. Only the builders in this folder make one; examples.ts names each of them with example data, for the trial of nft
 * on this machine, and for the test that loads and lists them with every supported nft.
 */
export type Script = string & { readonly [BRAND]: true };

/** Scripts as one transaction. */
export function together(...scripts: readonly Script[]): Script {
  return scripts.join('') as Script;
}

export function script(lines: readonly string[]): Script {
  return `${lines.join('\n')}\n` as Script;
}
