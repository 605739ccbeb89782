import type { ServerEvent } from '../operations/event-hub.ts';
import { MOST_BEHIND } from '../operations/streams.ts';

/** The text of an event stream on its way to one reader: first the events that it missed, then the new ones, in bounded memory. */
export class Lines {
  readonly #controller: ReadableStreamDefaultController<Uint8Array>;
  readonly #overflow: () => void;
  readonly #text = new TextEncoder();
  #past: readonly ServerEvent[] = [];
  #next = 0;
  #waiting: string[] = [];
  #bytes = 0;
  #isBegun = false;
  #isEnding = false;
  #isOpen = true;

  /** `overflow` is called once the reader lags behind too far; then nothing more is kept. */
  constructor(controller: ReadableStreamDefaultController<Uint8Array>, overflow: () => void) {
    this.#controller = controller;
    this.#overflow = overflow;
  }

  /** Begins with these events; what was added before comes after them. */
  begin(past: readonly ServerEvent[]): void {
    this.#past = past;
    this.#isBegun = true;
    this.pull();
  }

  add(text: string): void {
    if (!this.#isOpen || this.#isEnding) return;
    this.#waiting.push(text);
    this.#bytes += text.length;
    this.pull();
    if (this.#bytes <= MOST_BEHIND) return;
    this.#isOpen = false;
    this.#waiting = [];
    this.#overflow();
  }

  /** Ends the stream once all is sent. */
  end(): void {
    this.#isEnding = true;
    this.pull();
  }

  /** Gives the reader as much as it takes now. */
  pull(): void {
    if (!this.#isBegun) return;
    while (this.#isOpen && (this.#controller.desiredSize ?? 0) > 0) {
      const text = this.#take();
      if (text === undefined) break;
      this.#controller.enqueue(this.#text.encode(text));
    }
    if (!this.#isEnding || !this.#isOpen || this.#next < this.#past.length || this.#waiting.length > 0) return;
    this.#isOpen = false;
    // It is closed already where the client was the first.
    if (this.#controller.desiredSize !== null) this.#controller.close();
  }

  #take(): string | undefined {
    const missed = this.#past[this.#next];
    if (missed) {
      this.#next += 1;
      return textOf(missed);
    }
    const text = this.#waiting.shift();
    this.#bytes -= text?.length ?? 0;
    return text;
  }
}

export function textOf({ id, event, data }: ServerEvent): string {
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
}
