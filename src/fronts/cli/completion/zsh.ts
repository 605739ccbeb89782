import { type Grammar, type OptionWords, valueOptions } from './grammar.ts';

/** For zsh, loaded with `source` or found as `_swapctl` in the fpath. */
export function zshScript(grammar: Grammar): string {
  const { commands, options } = grammar;
  const values = valueOptions(grammar);
  return `#compdef swapctl
# zsh completion of swapctl. Load it with: source <(swapctl completion zsh), after compinit,
# or put it into a folder of your fpath as _swapctl.
_swapctl() {
  local current=\${words[CURRENT]} before="" command="" word
  local -a where names options commands
  for word in \${words[2,CURRENT-1]}; do
    case $before in
      --host|--context) where+=($before $word); before=""; continue ;;
      ${values.map((option) => option.long).join('|')}) before=""; continue ;;
    esac
    before=$word
    case $word in
      --host=*|--context=*) where+=($word) ;;
      -*) ;;
      *) [[ -n $command ]] || command=$word ;;
    esac
  done
  if [[ $current == --*=* ]]; then
    before=\${current%%=*}
    compset -P '*='
  fi
  case $before in
${values.map(({ long, value = [] }) => `    ${long}) ${value.length > 0 ? `compadd -- ${value.join(' ')}` : ':'}; return ;;`).join('\n')}
  esac
  if [[ $current == -* ]]; then
    case $command in
${commands.map((command) => `      ${command.name}) options=(${described(command.options)}) ;;`).join('\n')}
    esac
    options+=(${described(options)})
    _describe -o option options
    return
  fi
  case $command in
    "")
      commands=(
${commands.map(({ name, summary }) => `        ${quoted(`${name}:${summary}`)}`).join('\n')}
      )
      _describe command commands ;;
    ${commands
      .filter((command) => command.arguments === 'services')
      .map((command) => command.name)
      .join('|')})
      names=(\${(f)"$(\${words[1]} $where __names 2>/dev/null)"})
      compadd -a names ;;
${commands.flatMap(({ name, arguments: words }) => (typeof words === 'string' || words.length === 0 ? [] : [`    ${name}) compadd -- ${words.join(' ')} ;;`])).join('\n')}
  esac
}
if [[ \${funcstack[1]} == _swapctl ]]; then
  _swapctl "$@"
else
  compdef _swapctl swapctl
fi
`;
}

function described(options: readonly OptionWords[]): string {
  return options.map(({ long, summary }) => quoted(`${long}:${summary.replaceAll(':', '\\:')}`)).join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
