import type { App } from '../../app/app.ts';
import { isAway } from '../../core/model/engine-error.ts';

interface Opened {
  readonly app: App;
  close(): void;
}

/** A connection to the engine that all requests share. */
export interface Door {
  use<T>(work: (app: App) => Promise<T>): Promise<T>;
  close(): void;
}

interface Connection {
  readonly opened: Promise<Opened>;
  users: number;
  stale: boolean;
}

/**
 * Connects when the first request needs the engine, and anew after the engine was away: it may come back as another version. A
 * connection that is in use stays open until its last user is done.
 */
export function doorTo(open: () => Promise<Opened>): Door {
  let current: Connection | undefined;
  const closeUnused = (one: Connection): void => {
    if (!one.stale || one.users > 0) return;
    one.opened.then(({ close }) => close()).catch(() => {});
  };
  const retire = (one: Connection): void => {
    one.stale = true;
    if (current === one) current = undefined;
    closeUnused(one);
  };
  return {
    use: async (work) => {
      current ??= { opened: open(), users: 0, stale: false };
      const one = current;
      one.users += 1;
      try {
        const opened = await one.opened.catch((raised) => {
          retire(one);
          throw raised;
        });
        return await work(opened.app);
      } catch (raised) {
        if (isAway(raised)) retire(one);
        throw raised;
      } finally {
        one.users -= 1;
        closeUnused(one);
      }
    },
    close: () => {
      if (current) retire(current);
    },
  };
}
