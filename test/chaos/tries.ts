// Tries: cells of the matrix, and groups of kills.
import type { World } from '../lab/world.ts';
import type { Topic, Tried } from './cell.ts';
import { faultOf, type Kill, killText, type Then, tryKills } from './kills.ts';
import type { ScenarioName } from './scenarios.ts';

/** A try in the table. */
export type Cell = { topic: Topic; way: ScenarioName; fault: string; moment: string };

/** A try: cells of one kind, which the table shows. */
export interface Try {
  cells: readonly Cell[];
  /** Fewer than cells if an action had no object. */
  run(world: World): Promise<Tried[]>;
}

/** Kills in groups: they share a recovery, since that covers a whole engine. */
export function killTries(kills: readonly Kill[], then: Then, atOnce: number): Try[] {
  return chunks(kills, atOnce).map((some) => {
    const cells = some.map(({ way, at }): Cell => ({ topic: 'kill', way, fault: faultOf(at), moment: killText(at) }));
    return { cells, run: (world) => tryKills(world, some, then) };
  });
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return items.flatMap((_, at) => (at % size === 0 ? [items.slice(at, at + size)] : []));
}
