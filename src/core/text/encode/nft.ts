/**
 * The name of a network interface as a string of an nft script; undefined if no such string can hold it: nft has no escapes in
 * strings, and a `*` at the end is a wildcard. The engine never gives such names.
 */
export function nftInterface(name: string): string | undefined {
  return /^[A-Za-z0-9_.@+=-]{1,15}$/.test(name) ? `"${name}"` : undefined;
}
