import type { EngineEvent } from '../model/event.ts';

/** An image that got a name on the engine: what services follow that name are to be looked at. */
export interface Arrival {
  /** Milliseconds of the engine's clock. */
  readonly at: number;
  /** The name that it got; undefined: all names of the image. */
  readonly reference: string | undefined;
  /** The image's id; of one that was pulled, its reference. */
  readonly image: string;
}

/** The arrival that an event tells of; undefined for what happens to containers. */
export function arrivalOf(event: EngineEvent): Arrival | undefined {
  if (event.kind !== 'image') return undefined;
  return { at: event.timeNano / 1e6, reference: event.reference, image: event.id };
}
