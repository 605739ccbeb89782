import type { Terminal } from './terminal.ts';

type Paint = (text: string) => string;

/** Colours, or none: all coloured text of the terminal uses one of these. */
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

/** The properties of the output that a view needs. */
export interface Page {
  /** Columns; Infinity if lines do not wrap, as in a pipe. */
  readonly width: number;
  readonly style: Style;
  /** Milliseconds since the epoch, for ages. */
  readonly now: number;
}

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;
const FALLBACK_WIDTH = 80;

/** The style of a stream: `--no-color` and NO_COLOR switch colours off, then FORCE_COLOR on, then it depends on the terminal. */
export function styleFor(isTty: boolean, env: Terminal['env'], wanted: boolean): Style {
  return createStyle(wanted && coloured(isTty, env));
}

/** The page for results. */
export function pageFor(terminal: Terminal, colour: boolean): Page {
  const { stdoutIsTty, stderr, env } = terminal;
  const width = stdoutIsTty ? screenWidth(stderr) : Number.POSITIVE_INFINITY;
  return { width, style: styleFor(stdoutIsTty, env, colour), now: terminal.now() };
}

/** The columns of a terminal. One with 0 (expect, a program's own pty) has an unknown width. */
export function screenWidth({ columns }: Terminal['stderr']): number {
  return columns || FALLBACK_WIDTH;
}

/** The number of columns of a coloured text. */
export function visibleWidth(text: string): number {
  return [...text.replace(/\x1b\[\d+m/g, '')].length;
}

/** A text cut to a number of columns, with a sign for the cut. */
export function clip(text: string, width: number): string {
  const letters = [...text];
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** A sentence as lines that break between words. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && visibleWidth(last) + 1 + visibleWidth(word) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function coloured(isTty: boolean, env: Terminal['env']): boolean {
  if (env.NO_COLOR) return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTty && env.TERM !== 'dumb';
}

function createStyle(on: boolean): Style {
  const paint = ([open, close]: readonly [number, number]): Paint =>
    on ? (text) => `\x1b[${open}m${text}\x1b[${close}m` : (text) => text;
  const { bold, dim, red, green, yellow, cyan } = CODES;
  return {
    bold: paint(bold),
    dim: paint(dim),
    red: paint(red),
    green: paint(green),
    yellow: paint(yellow),
    cyan: paint(cyan),
  };
}
