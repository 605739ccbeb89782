import type { Progress } from '../../../core/report/progress.ts';
import { sanitizeText } from '../../../core/text/sanitize.ts';
import { sanitizeLines } from '../sanitize.ts';
import type { Activity, Ended } from './activity.ts';

type Pulling = Extract<Progress, { kind: 'pulling' }>;
type Evidence = Extract<Progress, { kind: 'evidence' }>;
type BuildFailure = Extract<Progress, { kind: 'build-failed' }>;

const MEGABYTE = 1_000_000;
// The length of the longest name of a phase.
const PHASE_WIDTH = 9;

/** The text of an ended phase, without its time. */
export function endedText({ phase, what }: Pick<Ended, 'phase' | 'what'>): string {
  return `${phase.padEnd(PHASE_WIDTH)}  ${what}`;
}

/** The text of a running phase, with the condition that it waits for. */
export function runningText({ phase, what, waitsFor }: Activity): string {
  return [endedText({ phase, what }), ...waitsFor.filter((part) => part !== '')].join('; ');
}

/** The progress of a pull: `3 of 7 layers, 12.5 of 80.1 MB`. */
export function pullState({ done, layers, bytes, total }: Pulling): string {
  const size = total > 0 ? `, ${megabytes(Math.min(bytes, total))} of ${megabytes(total)} MB` : '';
  return `${done} of ${layers} layer${layers === 1 ? '' : 's'}${size}`;
}

/** The last output of a failed container, as indented lines. */
export function evidenceLines({ container, health, log }: Evidence): string[] {
  const parts = [
    ...block(`last health output of ${container}:`, health),
    ...block(`last log lines of ${container}:`, log),
  ];
  return parts.length > 0 ? parts : [`    ${sanitizeText(container)} wrote no log, and no health check said anything`];
}

/** The last output of a failed build, as indented lines. */
export function buildFailureLines({ what, message, log }: BuildFailure): string[] {
  return block(`the build of ${what} failed:`, [...log, message]);
}

/** Foreign output, indented below a title. */
export function block(title: string, texts: readonly string[]): string[] {
  const lines = texts.flatMap(sanitizeLines);
  return lines.length > 0 ? [`    ${sanitizeText(title)}`, ...lines.map((line) => `      ${line}`)] : [];
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}
