/** A table as `nft -j list table` prints it, which is the same for every version of nft in what is read here. */
export type Table = { readonly nftables?: unknown };

/** One element of a set: its value, or the parts of its value, and whether it expires. */
export interface Element {
  readonly value: readonly unknown[];
  readonly expires: boolean;
}

/** The elements of the set of that name. */
export function elementsOf(table: Table, set: string): Element[] {
  const found = objectsOf(table, 'set').filter(({ name }) => name === set);
  return found.flatMap(({ elem }) => (Array.isArray(elem) ? elem.map(element) : []));
}

/** What is listed of one kind (`table`, `set`…). */
export function objectsOf({ nftables }: Table, kind: string): Record<string, unknown>[] {
  if (!Array.isArray(nftables)) return [];
  return nftables.flatMap((entry) => (isObject(entry) && isObject(entry[kind]) ? [entry[kind]] : []));
}

// Bare, or inside of an object with what is known of it beside its value.
function element(printed: unknown): Element {
  const detailed = isObject(printed) && isObject(printed.elem) ? printed.elem : { val: printed };
  const { val } = detailed;
  const value = isObject(val) && Array.isArray(val.concat) ? val.concat : [val];
  return { value, expires: 'expires' in detailed || 'timeout' in detailed };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
