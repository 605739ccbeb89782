import { shortDigest } from '../../../core/model/reference.ts';
import type { Side } from '../../../core/report/report.ts';
import type { ReportedError } from '../../../core/report/reported-error.ts';
import { oldServes, stateText } from '../../common/state.ts';
import type { Style } from '../../terminal/style.ts';
import type { Column } from '../../terminal/table.ts';

/** An image for comparison: the reference and the first digits of the digest. */
export function imageText({ image, digest }: Pick<Side, 'image'> & { readonly digest?: string | undefined }): string {
  return digest ? `${image} ${shortDigest(digest)}` : image;
}

/** A failure: the error, the state now, the next action. */
export function errorLines(error: ReportedError, serving: Side | undefined, style: Style): string[] {
  const { code, message, hint } = error;
  const now = oldServes(error) && serving ? `${imageText(serving)} serves as before` : stateText(error);
  return [
    `${style.red('✘')} ${message} ${style.dim(`(${code})`)}`,
    ...(now ? [`${style.dim('now: ')} ${now}`] : []),
    ...(hint ? [`${style.dim('next:')} ${hint}`] : []),
  ];
}

const UNITS = ['kB', 'MB', 'GB', 'TB'] as const;

/** A size for people: `12.3 MB`. */
export function formatBytes(bytes: number): string {
  let size = bytes;
  let unit = 'bytes';
  for (const larger of UNITS) {
    if (size < 1000) break;
    size /= 1000;
    unit = larger;
  }
  return unit === 'bytes' ? `${bytes} bytes` : `${size.toFixed(1)} ${unit}`;
}

/** A row of a table that may be one of several hosts. */
export interface OnHost {
  readonly host?: string;
}

/** The column with the host, if rows have one. */
export function hostColumn<T extends OnHost>(rows: readonly T[], style: Style): Column<T>[] {
  const column: Column<T> = { title: 'HOST', cell: ({ host = '' }) => host, paint: style.bold, cut: true };
  return rows.some(({ host }) => host !== undefined) ? [column] : [];
}

/** The host for the line about one of its rows, and the option that sends a command there. */
export function ofHost({ host }: OnHost): { readonly name: string; readonly option: string } {
  return host === undefined ? { name: '', option: '' } : { name: `${host}: `, option: `--on ${host} ` };
}

/** Indents lines. */
export function indented(lines: readonly string[], by: number): string[] {
  return lines.map((line) => (line === '' ? line : ' '.repeat(by) + line));
}

/** The tag of a reference; the whole reference without one. */
export function tagOf(reference: string): string {
  const colon = reference.lastIndexOf(':');
  return colon > reference.lastIndexOf('/') ? reference.slice(colon + 1) : reference;
}

/** The first digits of a digest, without its algorithm. */
export function hex12(digest: string): string {
  return shortDigest(digest).replace(/^sha256:/, '');
}
