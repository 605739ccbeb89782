import { screenWidth } from '../style.ts';
import type { Terminal } from '../terminal.ts';

/** A terminal's stderr with the few cursor movements that redrawing needs, written as escape sequences. */
export function drawingStream(stderr: Terminal['stderr']): NodeJS.WriteStream {
  const write = (text: unknown): boolean => {
    stderr.write(String(text));
    return true;
  };
  const stream = {
    isTTY: true,
    get columns() {
      return screenWidth(stderr);
    },
    write,
    cursorTo: (column: number) => write(`\x1b[${column + 1}G`),
    moveCursor: (_columns: number, rows: number) => rows < 0 && write(`\x1b[${-rows}A`),
    clearLine: () => write('\x1b[K'),
  };
  // ora uses nothing else of a terminal.
  return stream as unknown as NodeJS.WriteStream;
}
