import type { Progress } from '../../core/report/progress.ts';
import { sanitizeText } from '../../core/text/sanitize.ts';
import { createLines } from '../terminal/progress/lines.ts';
import { styleFor } from '../terminal/style.ts';
import { isDebug, type Outlet, type Runner } from './runner.ts';

/** Shows progress in the log: a group for each replica, with its steps and failures. */
export function createGroups(
  runner: Runner,
  env: Outlet['env'],
  now: () => number,
): { report: (progress: Progress) => void; stop: () => void } {
  const terminal = { stderr: { write: runner.text }, env, now, stdout: runner.text, stdoutIsTty: false };
  const lines = createLines(terminal, styleFor(false, {}, false), isDebug(env) ? 'verbose' : 'plain');
  let open = false;
  const close = (): void => {
    if (open) runner.endGroup();
    open = false;
  };
  return {
    report: (progress) => {
      if (progress.kind !== 'slot') return lines.report(progress);
      close();
      runner.group(sanitizeText(`${progress.slot}: ${progress.strategy}: ${progress.because}`));
      open = true;
    },
    stop: () => {
      lines.stop();
      close();
    },
  };
}
