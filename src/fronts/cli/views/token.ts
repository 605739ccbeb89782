import type { CreatedToken, ListedTokens } from '../../../core/access/desk.ts';
import type { Page } from '../../terminal/style.ts';
import { table } from '../../terminal/table.ts';

/** A new token, and its line for the file. */
export function createdTokenView({ token, line, expires }: CreatedToken, { style }: Page): string[] {
  return [
    `${style.dim('token, shown only now:')}`,
    token,
    '',
    `${style.dim('line for the token file (server.tokens in swapctl.yml):')}`,
    line,
    ...(expires === undefined ? ['', `${style.yellow('!')} this token never expires (--expires 90d sets an end)`] : []),
  ];
}

/** The tokens of a file, with its mistakes. */
export function tokensView({ file, tokens, mistakes }: ListedTokens, page: Page): string[] {
  const { style } = page;
  type Row = ListedTokens['tokens'][number];
  const columns = [
    { title: 'NAME', cell: ({ name }: Row) => name, paint: style.bold },
    { title: 'ALLOW', cell: ({ allow }: Row) => allow.join(','), cut: true },
    { title: 'EXPIRES', cell: ({ expires }: Row) => expires ?? 'never' },
    {
      title: 'STATE',
      cell: ({ state }: Row) => state,
      paint: (text: string, { state }: Row) => (state === 'valid' ? style.green : style.red)(text),
    },
  ];
  const wrong = mistakes.map(({ line, message }) => `${style.red('✘')} ${file}:${line}: ${message}`);
  return [...(tokens.length > 0 ? table(tokens, columns, page) : [style.dim(`${file} has no tokens`)]), ...wrong];
}
