import { CommanderError } from 'commander';
import { SwapError } from '../../core/model/error.ts';
import { createProgram } from './commands.ts';
import type { CliContext } from './context.ts';
import { printFailure } from './failure.ts';

/** Runs one command line (without the program's own name) and resolves to the exit status; it never rejects. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  let status = 0;
  const finish = (result: number): void => {
    status = result;
  };
  const program = createProgram(context, finish, await describer(argv));
  try {
    await program.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    const { verbose = false, color = true } = program.opts<{ verbose?: boolean; color?: boolean }>();
    return printFailure(error, {
      terminal: context.terminal,
      json: asksForJson(argv),
      verbose: verbose && !isUsage(error),
      color,
    });
  }
}

// Loading the settings takes longer than the rest of `swapctl --version`, which prints no description.
async function describer(argv: readonly string[]): Promise<(setting: string) => string> {
  if (argv.includes('--version') || argv.includes('-V')) return () => '';
  return (await import('../../core/settings/text.ts')).settingLine;
}

const WRONG_USAGE = 2;

// Not from the parsed options: a parse error is to be printed as JSON, too.
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? argv.length : end).includes('--json');
}

function isUsage(error: unknown): boolean {
  return error instanceof SwapError && error.code === 'usage';
}
