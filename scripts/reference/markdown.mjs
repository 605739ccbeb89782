/** A table; cells are Markdown already. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |');
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** Escapes text for a cell. */
export function plain(text) {
  return text.replace(/[|<>*_]/g, (sign) => (sign === '|' ? '\\|' : sign === '<' ? '&lt;' : `\\${sign}`));
}

export function code(text) {
  return `\`${text.replaceAll('|', '\\|')}\``;
}
