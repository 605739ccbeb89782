import type { Page } from './style.ts';
import { clip, visibleWidth } from './width.ts';

/** One column of a table. */
export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => string;
  readonly paint?: ((text: string, row: T) => string) | undefined;
  /** Columns with a number may be dropped on a narrow terminal, the lowest number first. */
  readonly drop?: number;
  /** True: its cells may be cut, once no column is left to drop. */
  readonly cut?: boolean;
}

const GAP = '  ';
const NARROWEST = 12;

/** Rows as aligned lines under a heading, no wider than the page if that is possible. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], page: Page): string[] {
  const shown = fitting(rows, columns, page.width);
  const widths = cutWidths(rows, shown, page.width);
  const heading = shown.map((column, at) => page.style.dim(pad(column.title, widths[at] ?? 0)));
  const body = rows.map((row) => shown.map((column, at) => cellText(column, row, widths[at] ?? 0)));
  return [heading, ...body].map((cells) => trimmed(cells.join(GAP)));
}

function fitting<T>(rows: readonly T[], columns: readonly Column<T>[], width: number): readonly Column<T>[] {
  const least = Math.min(...columns.map((column) => column.drop ?? Number.POSITIVE_INFINITY));
  if (least === Number.POSITIVE_INFINITY || total(naturalWidths(rows, columns)) <= width) return columns;
  return fitting(
    rows,
    columns.filter((column) => column.drop !== least),
    width,
  );
}

function cutWidths<T>(rows: readonly T[], columns: readonly Column<T>[], width: number): number[] {
  const widths = naturalWidths(rows, columns);
  let over = total(widths) - width;
  return widths.map((natural, at) => {
    if (over <= 0 || !columns[at]?.cut) return natural;
    const cut = Math.max(Math.min(natural, NARROWEST), natural - over);
    over -= natural - cut;
    return cut;
  });
}

function naturalWidths<T>(rows: readonly T[], columns: readonly Column<T>[]): number[] {
  return columns.map((column) => Math.max(column.title.length, ...rows.map((row) => visibleWidth(column.cell(row)))));
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, (widths.length - 1) * GAP.length);
}

function cellText<T>(column: Column<T>, row: T, width: number): string {
  const text = clip(column.cell(row), width);
  const painted = column.paint ? column.paint(text, row) : text;
  return pad(painted, width);
}

/** A coloured text padded with blanks to a width. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - visibleWidth(text)));
}

function trimmed(line: string): string {
  return line.trimEnd();
}
