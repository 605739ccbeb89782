import { EngineError } from '../../core/model/engine-error.ts';
import { type ErrorCode, exitStatus, messageOf, SwapError } from '../../core/model/error.ts';
import type { ReportedError } from '../../core/report/report.ts';
import type { Terminal } from './context.ts';
import { harmless, harmlessLines } from './output/harmless.ts';
import { jsonText } from './output/json.ts';
import { styleFor } from './output/style.ts';

/** How a failure is to be told. */
export interface Voice {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}

// What needs a person comes first, then what failed, then what was not touched: out of reach, busy, asked wrongly.
const GRAVITY = [3, 1, 5, 4, 2];

/** The gravest of several exit statuses: 3, then 1, 5, 4, 2, and 0 only if there is no other. */
export function gravest(statuses: readonly number[]): number {
  return GRAVITY.find((status) => statuses.includes(status)) ?? 0;
}

/** The exit status of everything that went wrong in some results. */
export function statusOfErrors(errors: readonly (ReportedError | undefined)[]): number {
  return gravest(errors.flatMap((error) => (error ? [exitStatus(error.code)] : [])));
}

/** What was raised while an engine was worked with, as an error that says what is true now. */
export function explained(error: unknown, changes: boolean): unknown {
  if (!(error instanceof EngineError)) return error;
  const code: ErrorCode = changes ? 'attention' : error.status === 0 ? 'engine-unreachable' : 'step-failed';
  const hint = changes
    ? 'swapctl status shows the state now, and swapctl recover finishes or undoes the roll'
    : 'swapctl doctor says more';
  return new SwapError(code, `the engine refused: ${error.message}`, { hint, cause: error });
}

/** Tells what was raised, on stderr and with `--json` on stdout as well; returns the exit status. */
export function tellFailure(error: unknown, voice: Voice): number {
  const { terminal } = voice;
  const { document, status, lines } = error instanceof SwapError ? raised(error) : unexpected(error, voice.verbose);
  const details = voice.verbose ? detailsOf(error) : [];
  const [what = '', ...advice] = lines.map(harmless);
  const { red } = styleFor(terminal.stderr.isTTY === true, terminal.env, voice.color);
  const told = [`${red('swapctl:')} ${what}`, ...[...advice, ...details].map((line) => `  ${line}`)];
  terminal.stderr.write(`${told.join('\n')}\n`);
  if (voice.json) terminal.stdout(jsonText({ error: document }, terminal));
  return status;
}

interface Told {
  readonly status: number;
  readonly document: { readonly code: string; readonly message: string; readonly hint?: string };
  /** What happened, and what to do about it. */
  readonly lines: readonly string[];
}

function raised({ code, message, hint }: SwapError): Told {
  const advice = hint ? { hint } : {};
  return {
    status: exitStatus(code),
    document: { code, message, ...advice },
    lines: [message, ...Object.values(advice)],
  };
}

function unexpected(error: unknown, verbose: boolean): Told {
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

// An error that was raised on purpose needs no stack, only what lay behind it.
function detailsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const behind = error.cause === undefined ? [] : harmlessLines(`because: ${messageOf(error.cause)}`);
  if (error instanceof SwapError) return behind;
  return [...harmlessLines(error.stack ?? '').slice(1), ...behind].map((line) => `  ${line.trim()}`);
}

/** Where to read on after a mistake in using a command. */
export function seeHelp(command: string): string {
  return `see ${command} --help`;
}
