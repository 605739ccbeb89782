import { exitStatus, messageOf, SwapError } from '../../core/model/error.ts';
import { type ReportedError, toReported } from '../../core/report/reported-error.ts';
import { stateText } from '../common/state.ts';
import { jsonText } from '../terminal/json.ts';
import { sanitize, sanitizeLines } from '../terminal/sanitize.ts';
import { styleFor } from '../terminal/style.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** The options for printing a failure. */
export interface Voice {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}

/** Prints an error on stderr, and with `--json` on stdout as well; returns the exit status. */
export function printFailure(error: unknown, voice: Voice): number {
  const { terminal } = voice;
  const { document, status, lines } = error instanceof SwapError ? raised(error) : unexpected(error, voice.verbose);
  const details = voice.verbose ? detailsOf(error) : [];
  const [what = '', ...advice] = lines.map(sanitize);
  const { red } = styleFor(terminal.stderr.isTTY === true, terminal.env, voice.color);
  const told = [`${red('swapctl:')} ${what}`, ...[...advice, ...details].map((line) => `  ${line}`)];
  terminal.stderr.write(`${told.join('\n')}\n`);
  if (voice.json) terminal.stdout(jsonText({ error: document }, terminal));
  return status;
}

interface Printed {
  readonly status: number;
  readonly document: ReportedError;
  /** The failure, and the advice for it. */
  readonly lines: readonly string[];
}

function raised(error: SwapError): Printed {
  const { code, message, hint } = error;
  // A usage error touches nothing, so its state needs no line.
  const now = exitStatus(code) === 2 ? undefined : stateText(error);
  const lines = [message, now, hint].filter((line) => line !== undefined);
  return { status: exitStatus(code), document: toReported(error), lines };
}

function unexpected(error: unknown, verbose: boolean): Printed {
  const message = messageOf(error);
  const advice = [
    ...(verbose ? [] : ['run again with --verbose for details']),
    'nothing is known to be broken: run swapctl status',
  ];
  return {
    status: 1,
    document: { code: 'unexpected', message, hint: advice.join('; ') },
    lines: [`unexpected: ${message}`, ...advice],
  };
}

// An error that was raised on purpose needs no stack trace, only its causes.
function detailsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const behind = error.cause === undefined ? [] : sanitizeLines(`because: ${messageOf(error.cause)}`);
  if (error instanceof SwapError) return behind;
  return [...sanitizeLines(error.stack ?? '').slice(1), ...behind].map((line) => `  ${line.trim()}`);
}
