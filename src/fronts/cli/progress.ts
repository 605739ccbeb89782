import { styleFor } from './output/style.ts';
import type { Report, Terminal } from './program.ts';
import { createLines } from './progress/lines.ts';

/** Shows progress on stderr until it is stopped. */
export interface Reporter {
  readonly report: Report;
  /** Takes what is drawn away while something else is printed, which may be on the same screen. */
  aside(print: () => void): void;
  /** Leaves the terminal as it was; results come after it. */
  stop(): void;
}

/** How much progress is wanted. */
export interface Loudness {
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color: boolean;
}

/** The reporter for this terminal: a live one for people, plain lines for pipes, CI and `--verbose`. */
export async function createReporter(terminal: Terminal, wanted: Loudness, long: boolean): Promise<Reporter> {
  const { stderr, env } = terminal;
  const style = styleFor(stderr.isTTY === true, env, wanted.color);
  const loudness = wanted.quiet ? 'quiet' : wanted.verbose ? 'verbose' : 'plain';
  if (!long || loudness !== 'plain' || !isLive(terminal)) return createLines(terminal, style, loudness);
  const { createLive } = await import('./progress/live.ts');
  return createLive(terminal, style);
}

function isLive({ stderr, env }: Terminal): boolean {
  const ci = env.CI;
  return stderr.isTTY === true && env.TERM !== 'dumb' && (!ci || ci === 'false');
}
