// The engine's events of the containers of a measurement.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { World } from '../../test/lab/world.ts';

export interface Happened {
  /** In ms since 1970. */
  readonly at: number;
  readonly what: string;
}

interface ContainerEvent extends Happened {
  readonly action: string;
  readonly id: string;
}

export interface Events {
  readonly all: readonly ContainerEvent[];
  /** When the last of these containers ended; undefined if one of them runs. */
  endOf(ids: readonly string[]): number | undefined;
}

const ACTIONS = ['create', 'start', 'rename', 'kill', 'die', 'destroy', 'health_status'];

export async function watchEvents(world: World): Promise<Events> {
  const filters = { type: ['container'], label: [`swapctl.test.world=${world.prefix}`], event: ACTIONS };
  const stream = (await world.docker.getEvents({ filters } as object)) as unknown as Readable;
  const all: ContainerEvent[] = [];
  createInterface({ input: stream }).on('line', (line) => all.push(parsed(line)));
  stream.on('error', () => {});
  world.after(async () => void stream.destroy());
  return {
    all,
    endOf(ids) {
      const ends = ids.map((id) => all.findLast((event) => event.id === id && event.action === 'die')?.at);
      return ends.includes(undefined) ? undefined : Math.max(...(ends as number[]));
    },
  };
}

function parsed(line: string): ContainerEvent {
  const { Action, Actor, timeNano } = JSON.parse(line);
  return { at: timeNano / 1e6, action: Action, id: Actor.ID, what: `${Actor.Attributes.name}: ${Action}` };
}
