/** Something that happened on the engine. */
export type EngineEvent = ContainerEvent | ImageEvent;

interface Happened {
  /** When, in nanoseconds of the engine's clock; as precise as a number can be, so about a microsecond. */
  readonly timeNano: number;
  /** Of the container or image; where an image was pulled, the reference. */
  readonly id: string;
  readonly action: string;
}

export interface ContainerEvent extends Happened {
  readonly kind: 'container';
}

/** An image got a name: it was built, loaded, imported, tagged or pulled, by whomever. */
export interface ImageEvent extends Happened {
  readonly kind: 'image';
  /** The name that it got; undefined where only the image is told, as after `docker load`. */
  readonly reference: string | undefined;
}

/** One text for each event, to know it again: after a reconnect the engine tells the last ones once more (T48). */
export function eventKey(event: EngineEvent): string {
  const { timeNano, id, action } = event;
  const name = event.kind === 'image' ? ` ${event.reference ?? ''}` : '';
  return `${timeNano} ${id} ${action}${name}`;
}
