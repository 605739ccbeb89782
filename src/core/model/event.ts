/** Something that happened on the engine. */
export type EngineEvent = ContainerEvent | ImageEvent;

interface Happened {
  /** When, in nanoseconds of the engine's clock; as precise as a number can be, so about a microsecond. */
  readonly timeNano: number;
  /** Of the container or image; for a pull, the reference. */
  readonly id: string;
  readonly action: string;
}

export interface ContainerEvent extends Happened {
  readonly kind: 'container';
}

/** An image got a name: a client built, loaded, imported, tagged or pulled it. */
export interface ImageEvent extends Happened {
  readonly kind: 'image';
  /** The new name; undefined if the engine reports only the image, as after `docker load`. */
  readonly reference: string | undefined;
}

/** A key to recognize an event by: after a reconnect the engine reports the last events once more (T48). */
export function eventKey(event: EngineEvent): string {
  const { timeNano, id, action } = event;
  const name = event.kind === 'image' ? ` ${event.reference ?? ''}` : '';
  return `${timeNano} ${id} ${action}${name}`;
}
