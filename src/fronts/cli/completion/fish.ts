import type { CommandWords, Grammar, OptionWords } from './grammar.ts';

/** For fish 3 and later. */
export function fishScript({ commands, options }: Grammar): string {
  return `# fish completion of swapctl. Load it with: swapctl completion fish | source
function __swapctl_names
  set -l words (commandline -opc)
  set -l where
  set -l before
  for word in $words[2..-1]
    switch "$before"
      case --host --context
        set -a where $before $word
    end
    switch "$word"
      case '--host=*' '--context=*'
        set -a where $word
    end
    set before $word
  end
  $words[1] $where __names 2>/dev/null
end
complete -c swapctl -f
${options.map((option) => `complete -c swapctl${optionParts(option)}`).join('\n')}
${commands.flatMap(commandLines).join('\n')}
`;
}

function commandLines({ name, summary, options, arguments: words }: CommandWords): string[] {
  const seen = `complete -c swapctl -n '__fish_seen_subcommand_from ${name}'`;
  const argument = words === 'services' ? '(__swapctl_names)' : words.join(' ');
  return [
    `complete -c swapctl -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ...(argument ? [`${seen} -a '${argument}'`] : []),
    ...options.map((option) => seen + optionParts(option)),
  ];
}

function optionParts({ long, short, summary, value }: OptionWords): string {
  const takes = value === undefined ? '' : ` -x${value.length > 0 ? ` -a '${value.join(' ')}'` : ''}`;
  return `${short ? ` -s ${short.slice(1)}` : ''} -l ${long.slice(2)}${takes} -d ${quoted(summary)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
