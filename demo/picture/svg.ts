// Renders a recorded terminal session as an SVG that plays in a browser; other viewers show the final screen.
import { Screen, type Span } from './screen.ts';

/** A piece of output and its time in milliseconds since the start. */
export interface Piece {
  readonly at: number;
  readonly text: string;
}

const COLUMN = 8.43;
const LINE = 20;
const MARGIN = 18;
// ora redraws a line in several writes; a reader sees them as one.
const SAME_MS = 40;
const COLOURS: Readonly<Record<number, string>> = { 31: '#f47067', 32: '#57ab5a', 33: '#c69026', 36: '#39c5cf' };
const SPINNER = /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/;

interface Shown {
  readonly row: number;
  readonly spans: readonly Span[];
  readonly from: number;
  /** Undefined: until the end of the session. */
  readonly to: number | undefined;
}

/** The picture of a session, with the command above it. */
export function svgOf(command: string, pieces: readonly Piece[], columns: number): string {
  const shown = [{ row: 0, spans: [{ text: `$ ${command}`, style: [1] }], from: 0, to: undefined }, ...linesOf(pieces)];
  const rows = Math.max(...shown.map(({ row }) => row)) + 1;
  const width = Math.ceil(columns * COLUMN + 2 * MARGIN);
  const height = rows * LINE + 2 * MARGIN;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(command)}, recorded on a Docker Engine</title>`,
    '<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#cdd9e5}</style>',
    `<rect width="${width}" height="${height}" rx="8" fill="#1c2128"/>`,
    ...shown.map(textOf),
    '</svg>',
  ].join('\n')}\n`;
}

// The text of each row with the time at which it appeared and disappeared. The spinner does not turn: that would need a line for each frame.
function linesOf(pieces: readonly Piece[]): Shown[] {
  const screen = new Screen();
  const open = new Map<number, Shown>();
  const over: Shown[] = [];
  for (const [index, { at, text }] of pieces.entries()) {
    screen.write(text);
    const next = pieces[index + 1];
    if (next && next.at - at < SAME_MS) continue;
    for (const [above, spans] of screen.rows().entries()) {
      const row = above + 1;
      const before = open.get(row);
      const calm = spans.map((span) => ({ ...span, text: span.text.replace(SPINNER, '⠿') }));
      if (plain(calm) === plain(before?.spans ?? [])) continue;
      if (before) over.push({ ...before, to: at });
      open.set(row, { row, spans: calm, from: at, to: undefined });
    }
  }
  return [...over, ...open.values()].filter(({ spans, from, to }) => plain(spans).trim() !== '' && to !== from);
}

function plain(spans: readonly Span[]): string {
  return spans.map(({ text }) => text).join('');
}

function textOf({ row, spans, from, to }: Shown): string {
  const y = MARGIN + row * LINE + 14;
  const parts = spans.map(({ text, style }) => `<tspan${attributes(style)}>${escaped(text)}</tspan>`).join('');
  const hidden = to === undefined ? '' : ' visibility="hidden"';
  return `<text x="${MARGIN}" y="${y}" xml:space="preserve"${hidden}>${parts}${timing(from, to)}</text>`;
}

function timing(from: number, to: number | undefined): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)}s`;
  if (to !== undefined)
    return `<set attributeName="visibility" to="visible" begin="${seconds(from)}" dur="${seconds(to - from)}"/>`;
  return from === 0 ? '' : `<set attributeName="visibility" to="hidden" begin="0s" dur="${seconds(from)}"/>`;
}

function attributes(style: readonly number[]): string {
  const colour = style.map((code) => COLOURS[code]).find((found) => found !== undefined);
  const fill = colour ?? (style.includes(2) ? '#768390' : undefined);
  return `${fill ? ` fill="${fill}"` : ''}${style.includes(1) ? ' font-weight="bold"' : ''}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
