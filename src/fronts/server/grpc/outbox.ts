/** Messages on their way to one reader, in bounded memory. */
export class Outbox<T> {
  readonly #mostBytes: number;
  readonly #overflow: () => void;
  #waiting: { readonly message: T; readonly bytes: number }[] = [];
  #bytes = 0;
  #isOver = false;
  #wake: () => void = () => {};

  /** `overflow` is called once the reader lags behind by more than so many bytes; then nothing more is kept. */
  constructor(mostBytes: number, overflow: () => void) {
    this.#mostBytes = mostBytes;
    this.#overflow = overflow;
  }

  put(message: T, bytes: number): void {
    if (this.#isOver) return;
    this.#waiting.push({ message, bytes });
    this.#bytes += bytes;
    this.#wake();
    // The first one may be larger than the limit: the reader has not had a chance yet.
    if (this.#bytes <= this.#mostBytes || this.#waiting.length === 1) return;
    this.#waiting = [];
    this.end();
    this.#overflow();
  }

  /** Takes no more messages; those that wait are still taken out. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** The next message; undefined at the end. */
  async take(): Promise<T | undefined> {
    while (this.#waiting.length === 0 && !this.#isOver)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const first = this.#waiting.shift();
    this.#bytes -= first?.bytes ?? 0;
    return first?.message;
  }
}
