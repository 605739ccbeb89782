import { decisionText } from '../../../core/report/decision-text.ts';
import { callText, type Progress } from '../../../core/report/progress.ts';
import { sanitizeText } from '../../../core/text/sanitize.ts';
import type { Style } from '../style.ts';
import type { Terminal } from '../terminal.ts';
import type { Reporter } from './reporter.ts';

/** Adds one line for each call and decision to the output of a reporter, with the time since the start. */
export function withTrace(reporter: Reporter, { stderr, now }: Terminal, style: Style): Reporter {
  const began = now();
  const print = (text: string): void => {
    const time = ((now() - began) / 1000).toFixed(3).padStart(8);
    stderr.write(`${style.dim(`trace ${time} ${sanitizeText(text)}`)}\n`);
  };
  const report = (progress: Progress): void => {
    if (progress.kind === 'call') print(callText(progress));
    if (progress.kind === 'logged') print(progress.text);
    if (progress.kind === 'decision') print(decisionText(progress.slot, progress.seen, progress.decision));
    reporter.report(progress);
  };
  return { ...reporter, report };
}
