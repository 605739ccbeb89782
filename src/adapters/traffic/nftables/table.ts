/** A table in the output of `nft -j list table`; the parts read here are the same for every version of nft. */
export type Table = { readonly nftables?: unknown };

/** One element of a set: its value, or the parts of its value, and true if it expires. */
export interface Element {
  readonly value: readonly unknown[];
  readonly expires: boolean;
}

/** The elements of the set of that name. */
export function elementsOf(table: Table, set: string): Element[] {
  const found = objectsOf(table, 'set').filter(({ name }) => name === set);
  return found.flatMap(({ elem }) => (Array.isArray(elem) ? elem.map(element) : []));
}

/** The listed objects of one kind (`table`, `set`…). */
export function objectsOf({ nftables }: Table, kind: string): Record<string, unknown>[] {
  if (!Array.isArray(nftables)) return [];
  return nftables.flatMap((entry) => (isObject(entry) && isObject(entry[kind]) ? [entry[kind]] : []));
}

// Bare, or inside an object with attributes besides its value.
function element(printed: unknown): Element {
  const detailed = isObject(printed) && isObject(printed.elem) ? printed.elem : { val: printed };
  const { val } = detailed;
  const value = isObject(val) && Array.isArray(val.concat) ? val.concat : [val];
  return { value, expires: 'expires' in detailed || 'timeout' in detailed };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
