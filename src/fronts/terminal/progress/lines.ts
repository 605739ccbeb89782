import type { Progress } from '../../../core/report/progress.ts';
import { describeStep } from '../../../core/rollout/step.ts';
import { formatDuration } from '../../../core/text/duration.ts';
import { sanitizeText } from '../../../core/text/sanitize.ts';
import type { Style } from '../style.ts';
import type { Terminal } from '../terminal.ts';
import { Phases } from './phases.ts';
import type { Reporter } from './reporter.ts';
import { block, buildFailureLines, endedText, evidenceLines, pullState, runningText } from './words.ts';

// Short enough to distinguish a wait from a hang, long enough for a log.
const WAIT_LINE_EVERY_MS = 10_000;

type Kind = Progress['kind'];
type Renderer<K extends Kind> = (progress: Extract<Progress, { kind: K }>) => readonly string[];

/** Prints progress as plain lines: phases, with `verbose` every step, with `quiet` only the reasons of failures. */
export function createLines(terminal: Terminal, style: Style, loudness: 'quiet' | 'plain' | 'verbose'): Reporter {
  const print = printTo(terminal, style);
  if (loudness === 'quiet') return reporter((progress) => print(failureLines(progress)));
  return loudness === 'verbose' ? stepLines(terminal, print) : phaseLines(terminal, print);
}

type Print = (lines: readonly string[]) => void;

function printTo({ stderr }: Terminal, style: Style): Print {
  const paint = (line: string): string => (line.startsWith('==>') ? style.bold(line) : style.dim(line));
  return (lines) => void (lines.length > 0 && stderr.write(lines.map((line) => `${paint(line)}\n`).join('')));
}

function reporter(report: (progress: Progress) => void, stop: () => void = () => {}): Reporter {
  return { report, aside: (print) => print(), stop };
}

function phaseLines({ now }: Terminal, print: Print): Reporter {
  const phases = new Phases(now);
  const ended = (all: ReturnType<Phases['take']>): void =>
    print(all.map(({ ok, ...one }) => inner(`${ok ? '✔' : '✘'} ${endedText(one)}  ${formatDuration(one.ms)}`)));
  const waits = setInterval(() => {
    const long = phases.running().filter(({ began }) => now() - began >= WAIT_LINE_EVERY_MS);
    print(long.map((one) => inner(`… ${runningText(one)}  (${formatDuration(now() - one.began)} so far)`)));
  }, WAIT_LINE_EVERY_MS);
  // The timer must not keep the process alive.
  waits.unref();
  const report = (progress: Progress): void => {
    ended(phases.take(progress));
    print(failureLines(progress));
    if (progress.kind === 'slot') print([headOf(progress)]);
    if (progress.kind === 'note') print([head(progress.text)]);
  };
  return reporter(report, () => {
    clearInterval(waits);
    ended(phases.stop());
  });
}

function failureLines(progress: Progress): readonly string[] {
  if (progress.kind === 'evidence') return evidenceLines(progress);
  return progress.kind === 'build-failed' ? buildFailureLines(progress) : [];
}

function stepLines({ now }: Terminal, print: Print): Reporter {
  const renderPull = pullRenderer(now);
  return reporter((progress) =>
    print(progress.kind === 'pulling' ? renderPull(progress) : (RENDERERS[progress.kind] as Renderer<Kind>)(progress)),
  );
}

const RENDERERS: { readonly [K in Exclude<Kind, 'pulling'>]: Renderer<K> } = {
  resolving: ({ reference }) => [head(`ask the registry for ${reference}`)],
  pulled: ({ reference, ms }) => [inner(`pulled ${reference} in ${formatDuration(ms)}`)],
  building: ({ what, line }) => [inner(`${what}: ${line}`)],
  'build-failed': buildFailureLines,
  built: ({ what, ms }) => [head(`${what}: built in ${formatDuration(ms)}`)],
  slot: (progress) => [headOf(progress)],
  step: ({ slot, step }) => [head(`${slot}: ${describeStep(step)}`)],
  done: ({ slot, step, ms }) => [inner(`${slot}: ${describeStep(step)}: ${Math.round(ms)} ms`)],
  end: () => [],
  waiting: () => [],
  probe: ({ slot, container, output }) => block(`${slot}: the health check of ${container} said:`, [output]),
  evidence: evidenceLines,
  note: ({ text }) => [head(text)],
  debug: ({ text }) => [inner(text)],
  asked: () => [],
  call: () => [],
  logged: () => [],
  decision: () => [],
};

function pullRenderer(now: () => number): (progress: Extract<Progress, { kind: 'pulling' }>) => readonly string[] {
  const told = new Map<string, number>();
  return (progress) => {
    const { reference } = progress;
    const before = told.get(reference);
    const at = now();
    if (before !== undefined && at - before < WAIT_LINE_EVERY_MS) return [];
    told.set(reference, at);
    return before === undefined ? [head(`pull ${reference}`)] : [inner(`${reference}: ${pullState(progress)}`)];
  };
}

function headOf({ slot, strategy, because }: Extract<Progress, { kind: 'slot' }>): string {
  return head(`${slot}: ${strategy}: ${because}`);
}

function head(text: string): string {
  return `==> ${sanitizeText(text)}`;
}

function inner(text: string): string {
  return `    ${sanitizeText(text)}`;
}
