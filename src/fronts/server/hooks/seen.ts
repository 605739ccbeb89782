/** Deliveries that came already. */
export interface Seen {
  /** True for a new id, which it remembers. */
  isNew(id: string): boolean;
  readonly size: number;
}

const MOST_IDS = 1000;

/** Remembers the last ids. Only senders with a credential can add one, so strangers cannot push others out. */
export function seenIds(most = MOST_IDS): Seen {
  const ids = new Set<string>();
  return {
    isNew: (id) => {
      if (ids.has(id)) return false;
      ids.add(id);
      const [oldest] = ids;
      if (ids.size > most && oldest !== undefined) ids.delete(oldest);
      return true;
    },
    get size() {
      return ids.size;
    },
  };
}
