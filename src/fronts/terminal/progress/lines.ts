import type { Progress } from '../../../core/report/progress.ts';
import { describeStep } from '../../../core/rollout/step.ts';
import { formatDuration } from '../../../core/text/duration.ts';
import { harmlessText } from '../../../core/text/harmless.ts';
import type { Style } from '../style.ts';
import type { Terminal } from '../terminal.ts';
import type { Reporter } from './reporter.ts';
import { block, buildFailureLines, evidenceLines, pullState } from './words.ts';

// Often enough that nobody takes a long pull for a hang, seldom enough for a log.
const PULL_LINE_EVERY_MS = 10_000;

type Kind = Progress['kind'];
type Teller<K extends Kind> = (progress: Extract<Progress, { kind: K }>, verbose: boolean) => readonly string[];

/** Progress as plain lines that are never taken back; `quiet` keeps only why something failed. */
export function createLines(
  { stderr, now }: Terminal,
  style: Style,
  loudness: 'quiet' | 'plain' | 'verbose',
): Reporter {
  const tellPull = pullTeller(now);
  const tell = (progress: Progress): readonly string[] => {
    if (loudness === 'quiet' && progress.kind !== 'evidence' && progress.kind !== 'build-failed') return [];
    if (progress.kind === 'pulling') return tellPull(progress);
    return (TELLERS[progress.kind] as Teller<Kind>)(progress, loudness === 'verbose');
  };
  const paint = (line: string): string => (line.startsWith('==>') ? style.bold(line) : style.dim(line));
  return {
    report: (progress) =>
      void stderr.write(
        tell(progress)
          .map((line) => `${paint(line)}\n`)
          .join(''),
      ),
    aside: (print) => print(),
    stop: () => {},
  };
}

const TELLERS: { readonly [K in Exclude<Kind, 'pulling'>]: Teller<K> } = {
  resolving: ({ reference }) => [head(`ask the registry for ${reference}`)],
  pulled: ({ reference, ms }) => [inner(`pulled ${reference} in ${formatDuration(ms)}`)],
  building: ({ what, line }) => [inner(`${what}: ${line}`)],
  'build-failed': buildFailureLines,
  built: ({ what, ms }) => [head(`${what}: built in ${formatDuration(ms)}`)],
  slot: ({ slot, way, because }) => [head(`${slot}: ${way}: ${because}`)],
  step: ({ slot, step }) => [head(`${slot}: ${describeStep(step)}`)],
  done: ({ slot, step, ms }, verbose) =>
    verbose ? [inner(`${slot}: ${describeStep(step)}: ${Math.round(ms)} ms`)] : [],
  probe: ({ slot, container, output }, verbose) =>
    verbose ? block(`${slot}: the health check of ${container} said:`, [output]) : [],
  evidence: evidenceLines,
  note: ({ text }) => [head(text)],
  debug: ({ text }, verbose) => (verbose ? [inner(text)] : []),
};

function pullTeller(now: () => number): (progress: Extract<Progress, { kind: 'pulling' }>) => readonly string[] {
  const told = new Map<string, number>();
  return (progress) => {
    const { reference } = progress;
    const before = told.get(reference);
    const at = now();
    if (before !== undefined && at - before < PULL_LINE_EVERY_MS) return [];
    told.set(reference, at);
    return before === undefined ? [head(`pull ${reference}`)] : [inner(`${reference}: ${pullState(progress)}`)];
  };
}

function head(text: string): string {
  return `==> ${harmlessText(text)}`;
}

function inner(text: string): string {
  return `    ${harmlessText(text)}`;
}
