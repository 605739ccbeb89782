import { exitStatus } from '../../../core/model/error.ts';
import { shortDigest } from '../../../core/model/reference.ts';
import type { ReportedError, Side } from '../../../core/report/report.ts';
import type { Style } from '../../terminal/style.ts';

/** An image as people compare it: the reference and the beginning of the digest. */
export function imageText({ image, digest }: Pick<Side, 'image'> & { readonly digest?: string | undefined }): string {
  return digest ? `${image} ${shortDigest(digest)}` : image;
}

// What is true after an error, by its exit status (see core/error.ts).
const NOW: Readonly<Record<number, string>> = {
  2: 'nothing was touched',
  3: 'it stopped halfway; swapctl status shows which version serves',
  4: 'nothing was touched by this run',
  5: 'nothing was touched, the old version serves as before',
};

const SAYS_NOW = /^the old (container|version) serves as before$/;

/** A failure: what happened, what is true now, what to do next. */
export function errorLines({ code, message, hint }: ReportedError, serving: Side | undefined, style: Style): string[] {
  const now = NOW[exitStatus(code)] ?? `${serving ? imageText(serving) : 'the old version'} serves as before`;
  return [
    `${style.red('✘')} ${message} ${style.dim(`(${code})`)}`,
    `${style.dim('now: ')} ${now}`,
    ...(hint && !SAYS_NOW.test(hint) ? [`${style.dim('next:')} ${hint}`] : []),
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

/** Lines moved to the right. */
export function indented(lines: readonly string[], by: number): string[] {
  return lines.map((line) => (line === '' ? line : ' '.repeat(by) + line));
}

/** The tag of a reference; all of it where there is none. */
export function tagOf(reference: string): string {
  const colon = reference.lastIndexOf(':');
  return colon > reference.lastIndexOf('/') ? reference.slice(colon + 1) : reference;
}

/** The beginning of a digest, without its algorithm. */
export function hex12(digest: string): string {
  return shortDigest(digest).replace(/^sha256:/, '');
}
