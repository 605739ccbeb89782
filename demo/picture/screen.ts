// The part of a terminal that swapctl's output needs: lines, colours, and the cursor movements of the spinner.

/** A letter and the SGR codes in effect. */
interface Cell {
  readonly letter: string;
  readonly style: readonly number[];
}

export interface Span {
  readonly text: string;
  readonly style: readonly number[];
}

/** Interprets the output of a program piece by piece. */
export class Screen {
  readonly #rows: Cell[][] = [[]];
  #row = 0;
  #column = 0;
  #style: number[] = [];

  write(text: string): void {
    for (const part of text.match(/\x1b\[[?\d;]*[A-Za-z]|[\s\S]/gu) ?? []) {
      if (part.startsWith('\x1b[')) this.#control(part.slice(2, -1), part.at(-1) ?? '');
      else this.#put(part);
    }
  }

  /** The current rows. */
  rows(): Span[][] {
    return this.#rows.map(spansOf);
  }

  #put(letter: string): void {
    if (letter === '\n') {
      this.#row += 1;
      this.#column = 0;
      this.#rows[this.#row] ??= [];
      return;
    }
    const row = this.#rows[this.#row] ?? [];
    while (row.length < this.#column) row.push({ letter: ' ', style: [] });
    row[this.#column] = { letter, style: this.#style };
    this.#column += 1;
  }

  #control(argument: string, final: string): void {
    if (final === 'G') this.#column = Number(argument || 1) - 1;
    if (final === 'A') this.#row = Math.max(0, this.#row - Number(argument || 1));
    if (final === 'K') this.#rows[this.#row]?.splice(this.#column);
    if (final === 'm') this.#style = painted(this.#style, Number(argument || 0));
  }
}

// Each code that ends a style, and the codes that it ends.
const ENDS: Readonly<Record<number, (code: number) => boolean>> = {
  22: (code) => code === 1 || code === 2,
  39: (code) => code >= 30 && code <= 37,
};

function painted(style: readonly number[], code: number): number[] {
  if (code === 0) return [];
  const ends = ENDS[code];
  return ends ? style.filter((one) => !ends(one)) : [...style, code];
}

function spansOf(row: readonly Cell[]): Span[] {
  const spans: Span[] = [];
  for (const { letter, style } of row) {
    const last = spans.at(-1);
    if (last && last.style.join() === style.join()) spans[spans.length - 1] = { text: last.text + letter, style };
    else spans.push({ text: letter, style });
  }
  return spans;
}
