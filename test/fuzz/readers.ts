// How others read what swapctl writes.

/** do_command.c of Debian's cron, and of cronie: what becomes of a command before the shell gets it. */
export function cronLine(line: string, backslashes: boolean): string {
  let out = '';
  for (let at = 0; at < line.length; at++) {
    const [letter, next] = [line[at], line[at + 1]];
    if (letter === '%') return out;
    out += letter;
    if (letter !== '\\' || next === undefined) continue;
    at += 1;
    out = next === '%' || (backslashes && next === '\\') ? out.slice(0, -1) + next : out + next;
  }
  return out;
}

/** systemd.syntax(7), "Quoting", and specifiers. */
export function systemdText(word: string): string {
  const inner = word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word;
  return inner.replaceAll('%%', '%');
}

/** The words of a simple command (POSIX, "Quoting"); undefined where anything in it is more than that. */
export function shellWords(command: string): string[] | undefined {
  const words: string[] = [];
  const part = /\s+|'([^']*)'|\\([^\n])|([\w@+=:,./%^-]+|[^\x00-\x7f]+)/gy;
  let open = false;
  while (part.lastIndex < command.length) {
    const found = part.exec(command);
    if (!found) return undefined;
    const [whole, quoted, escaped, plain] = found;
    const text = quoted ?? escaped ?? plain;
    if (text === undefined) open = false;
    else if (open) words.push((words.pop() ?? '') + text);
    else words.push(text);
    open = text !== undefined || (open && whole === '');
  }
  return words;
}
