import { styleText } from 'node:util';
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

function coloured(isTty: boolean, env: Terminal['env']): boolean {
  if (env.NO_COLOR) return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTty && env.TERM !== 'dumb';
}

function createStyle(on: boolean): Style {
  // Without its own look at stdout: the styled stream may be another one.
  const paint = (format: keyof Style): Paint =>
    on ? (text) => styleText(format, text, { validateStream: false }) : (text) => text;
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
    cyan: paint('cyan'),
  };
}
