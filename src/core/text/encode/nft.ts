/**
 * The name of a network interface as a string of an nft script; undefined for one that no such string can hold: nft knows no
 * escapes in them, and a `*` at the end stands for any ending. Names that the engine gives are never like that.
 */
export function nftInterface(name: string): string | undefined {
  return /^[A-Za-z0-9_.@+=-]{1,15}$/.test(name) ? `"${name}"` : undefined;
}
