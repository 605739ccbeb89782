import type { Level } from '../../../daemons/log.ts';
import { styleFor } from '../style.ts';
import type { Terminal } from '../terminal.ts';
import type { Loudness, Reporter } from './reporter.ts';

/** The reporter for this terminal: a live one for people, plain lines for pipes, CI and `--verbose`. */
export async function createReporter(terminal: Terminal, wanted: Loudness, long: boolean): Promise<Reporter> {
  const { stderr, env } = terminal;
  const style = styleFor(stderr.isTTY === true, env, wanted.color);
  const loudness = wanted.quiet ? 'quiet' : wanted.verbose ? 'verbose' : 'plain';
  if (!isTraced(wanted, env) && long && loudness === 'plain' && isLive(terminal)) {
    const { createLive } = await import('./live.ts');
    return createLive(terminal, style);
  }
  // Loaded on demand, which keeps `swapctl --version` fast.
  const { createLines } = await import('./lines.ts');
  const lines = createLines(terminal, style, loudness);
  if (!isTraced(wanted, env)) return lines;
  const { withTrace } = await import('./trace.ts');
  return withTrace(lines, terminal, style);
}

/** True if --trace or NODE_DEBUG asks for calls and decisions. */
export function isTraced(
  { trace = false }: { readonly trace?: boolean },
  { NODE_DEBUG = '' }: Terminal['env'],
): boolean {
  return trace || NODE_DEBUG.split(',').some((name) => name.trim().toLowerCase() === 'swapctl');
}

/** The lowest level that the log prints. */
export function leastLevel({ quiet, verbose, trace = false }: Omit<Loudness, 'color'>, env: Terminal['env']): Level {
  if (verbose || isTraced({ trace }, env)) return 'debug';
  return quiet ? 'warn' : 'info';
}

function isLive({ stderr, env }: Terminal): boolean {
  const ci = env.CI;
  return stderr.isTTY === true && env.TERM !== 'dumb' && (!ci || ci === 'false');
}
