import { type Grammar, type OptionWords, valueOptions } from './grammar.ts';

/** For bash 3.2 and later, without the bash-completion package. */
export function bashScript(grammar: Grammar): string {
  const { commands, options } = grammar;
  const values = valueOptions(grammar);
  const known = values.filter((option) => option.value && option.value.length > 0);
  return `# bash completion of swapctl. Load it with: source <(swapctl completion bash)
_swapctl() {
  local line="\${COMP_LINE:0:COMP_POINT}" current="" before="" command="" word name options=""
  local -a words=() where=()
  # Not COMP_WORDS: bash splits those at the colons of addresses.
  read -ra words <<< "$line"
  if [[ "$line" != *[[:space:]] ]]; then
    current="\${words[\${#words[@]}-1]}"
    unset "words[\${#words[@]}-1]"
  fi
  COMPREPLY=()
  for word in "\${words[@]:1}"; do
    case "$before" in
      --host|--context) where+=("$before" "$word"); before=""; continue ;;
      ${values.map((option) => option.long).join('|')}) before=""; continue ;;
    esac
    before="$word"
    case "$word" in
      --host=*|--context=*) where+=("$word") ;;
      -*) ;;
      *) [[ -n "$command" ]] || command="$word" ;;
    esac
  done
  if [[ "$current" == --*=* ]]; then
    before="\${current%%=*}"
    current="\${current#*=}"
  fi
  case "$before" in
${known.map((option) => `    ${option.long}) COMPREPLY=($(compgen -W "${(option.value ?? []).join(' ')}" -- "$current")); return ;;`).join('\n')}
    ${values
      .filter((option) => !known.includes(option))
      .map((option) => option.long)
      .join('|')}) return ;;
  esac
  case "$command" in
${commands.map((command) => `    ${command.name}) options="${optionNames(command.options)}" ;;`).join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$options ${optionNames(options)}" -- "$current"))
    return
  fi
  case "$command" in
    "") COMPREPLY=($(compgen -W "${commands.map((command) => command.name).join(' ')}" -- "$current")) ;;
    ${commands
      .filter((command) => command.arguments === 'services')
      .map((command) => command.name)
      .join('|')})
      # Not with compgen -W, which would expand what is in a name.
      while IFS= read -r name; do
        [[ "$name" == "$current"* ]] && COMPREPLY+=("$name")
      done < <("\${words[0]}" \${where[@]+"\${where[@]}"} __names 2>/dev/null) ;;
${commands.flatMap(({ name, arguments: words }) => (typeof words === 'string' || words.length === 0 ? [] : [`    ${name}) COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$current")) ;;`])).join('\n')}
  esac
}
complete -F _swapctl swapctl
`;
}

function optionNames(options: readonly OptionWords[]): string {
  return options.map((option) => option.long).join(' ');
}
