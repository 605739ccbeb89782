/** Something that happened to a container. */
export interface EngineEvent {
  /** When, in nanoseconds of the engine's clock; as precise as a number can be, so about a microsecond. */
  readonly timeNano: number;
  /** Of the container. */
  readonly id: string;
  readonly action: string;
}

/** One text for each event, to know it again: after a reconnect the engine tells the last ones once more (T48). */
export function eventKey({ timeNano, id, action }: EngineEvent): string {
  return `${timeNano} ${id} ${action}`;
}
