import type { Command, Option } from 'commander';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import type { CommandWords, Grammar, OptionWords } from './grammar.ts';
import { zshScript } from './zsh.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

const SCRIPTS: Readonly<Record<Shell, (grammar: Grammar) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** The script that completes a program's commands, options and services in a shell, generated from the program itself. */
export function completionScript(program: Command, shell: Shell): string {
  return SCRIPTS[shell](grammarOf(program));
}

/** The names for shell completion. Any user can write labels, so names that a shell could take for code are left out. */
export function completableNames(names: readonly string[]): string[] {
  return names.filter((name) => /^[A-Za-z0-9_][A-Za-z0-9_./-]*$/.test(name));
}

function grammarOf(program: Command): Grammar {
  const help = program.createHelp();
  return {
    commands: help.visibleCommands(program).map((command) => commandWords(command, program)),
    options: help.visibleOptions(program).map(optionWords),
  };
}

function commandWords(command: Command, program: Command): CommandWords {
  const help = command.createHelp();
  return {
    name: command.name(),
    summary: help.subcommandDescription(command),
    // --help is an option of the program.
    options: help
      .visibleOptions(command)
      .map(optionWords)
      .filter((option) => option.long !== '--help'),
    arguments: argumentWords(command, program),
  };
}

function argumentWords(command: Command, program: Command): CommandWords['arguments'] {
  const [argument] = command.registeredArguments;
  if (argument?.name() === 'service') return 'services';
  if (argument?.name() === 'command')
    return program.commands.map((one) => one.name()).filter((name) => !name.startsWith('__'));
  return argument?.argChoices ?? [];
}

function optionWords(option: Option): OptionWords {
  const { long, short, description, argChoices } = option;
  return { long: long ?? '', short, summary: description, value: option.required ? (argChoices ?? []) : undefined };
}
