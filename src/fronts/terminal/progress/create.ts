import { styleFor } from '../style.ts';
import type { Terminal } from '../terminal.ts';
import { createLines } from './lines.ts';
import type { Loudness, Reporter } from './reporter.ts';

/** The reporter for this terminal: a live one for people, plain lines for pipes, CI and `--verbose`. */
export async function createReporter(terminal: Terminal, wanted: Loudness, long: boolean): Promise<Reporter> {
  const { stderr, env } = terminal;
  const style = styleFor(stderr.isTTY === true, env, wanted.color);
  const loudness = wanted.quiet ? 'quiet' : wanted.verbose ? 'verbose' : 'plain';
  if (!long || loudness !== 'plain' || !isLive(terminal)) return createLines(terminal, style, loudness);
  const { createLive } = await import('./live.ts');
  return createLive(terminal, style);
}

function isLive({ stderr, env }: Terminal): boolean {
  const ci = env.CI;
  return stderr.isTTY === true && env.TERM !== 'dumb' && (!ci || ci === 'false');
}
