// Renders the command line from the commander tree.
import { settingLine } from '../../src/core/settings/text.ts';
import { createProgram } from '../../src/fronts/cli/commands.ts';
import { code, plain, table } from './markdown.mjs';

/** The tree of commands; none of them can run. */
function programTree() {
  const terminal = { stdout: () => {}, stdoutIsTty: false, stderr: { write: () => {} }, env: {}, now: () => 0 };
  return createProgram({ terminal, version: '' }, () => {}, settingLine);
}

export async function commandParts() {
  const program = programTree();
  const commands = program.commands.filter((command) => !hidden(command));
  return {
    commands: [
      table(
        ['command', 'effect'],
        commands.map((command) => [`[${code(command.name())}](#${command.name()})`, plain(command.summary())]),
      ),
      '',
      '## Options of every command',
      '',
      optionTable(program),
      '',
      blocks(program),
      ...commands.flatMap(section),
    ].join('\n'),
  };
}

function hidden(command) {
  return command._hidden === true;
}

function section(command) {
  return [
    '',
    `## ${command.name()}`,
    '',
    command.description(),
    '',
    ...body(command),
    ...command.commands.flatMap(sub),
  ];
}

// A subcommand such as `config check`.
function sub(command) {
  return [
    '',
    `### ${command.parent.name()} ${command.name()}`,
    '',
    command.description() || command.summary(),
    '',
    ...body(command),
  ];
}

function body(command) {
  const usage = [
    '```',
    `${fullName(command)} ${command.usage()}`.replace('[options] ', optionsOf(command).length > 0 ? '[options] ' : ''),
    '```',
  ];
  const args = command.registeredArguments.map((one) => [code(argumentName(one)), described(one)]);
  return [
    ...usage,
    ...(args.length > 0 ? ['', table(['argument', 'meaning'], args)] : []),
    ...(optionsOf(command).length > 0 ? ['', optionTable(command)] : []),
    '',
    blocks(command),
  ];
}

function fullName(command) {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

function argumentName(one) {
  const name = one.variadic ? `${one.name()}...` : one.name();
  return one.required ? `<${name}>` : `[${name}]`;
}

function optionsOf(command) {
  return command.options.filter((option) => !option.hidden);
}

function optionTable(command) {
  return table(
    ['option', 'effect'],
    optionsOf(command).map((option) => [code(option.flags), described(option)]),
  );
}

function described({ description, argChoices, defaultValue }) {
  const preset = defaultValue === undefined || typeof defaultValue === 'boolean' ? [] : [`default: ${defaultValue}`];
  const choices = argChoices ? [`one of ${argChoices.join(', ')}`] : [];
  const more = [...choices, ...preset].join('; ');
  return plain(more === '' ? description : `${description} (${more})`);
}

// The help texts after the options: examples, rules, exit statuses.
function blocks(command) {
  const texts = [];
  command.emit('afterHelp', { error: false, command, write: (text) => texts.push(text) });
  const paragraphs = texts.join('').trim().split(/\n\n+/);
  return paragraphs.map((text) => (/^ {1,}/m.test(text) ? `\`\`\`\n${text}\n\`\`\`` : plain(text))).join('\n\n');
}
