import type { EngineEvent } from '../model/event.ts';

/** A local image event, after which swapctl checks the services that track the image's name. */
export interface LocalImageEvent {
  /** Milliseconds of the engine's clock. */
  readonly at: number;
  /** The new name; undefined: all names of the image. */
  readonly reference: string | undefined;
  /** The image's id; for a pulled image, its reference. */
  readonly image: string;
}

/** The local image event in an event of the engine; undefined for events of containers. */
export function localImageEventOf(event: EngineEvent): LocalImageEvent | undefined {
  if (event.kind !== 'image') return undefined;
  return { at: event.timeNano / 1e6, reference: event.reference, image: event.id };
}
