import type { Delivery } from '../../../core/report/summary.ts';
import type { ConfigCheck, ConfigShown } from '../../../core/settings/config.ts';
import type { Page } from '../../terminal/style.ts';
import { table } from '../../terminal/table.ts';

/** Every mistake as file:line:column, as compilers print them. */
export function configCheckView({ path, mistakes, notes }: ConfigCheck, { style }: Page): string[] {
  const file = path ?? 'swapctl.yml';
  const wrong = mistakes.map(({ line, column, message }) => `${style.red('✘')} ${file}:${line}:${column}: ${message}`);
  const noted = notes.map((note) => `${style.yellow('!')} ${file}: ${note}`);
  const count = `${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}`;
  if (mistakes.length > 0) return [...wrong, ...noted, '', style.red(`${count} in ${file}`)];
  return path === undefined ? noted : [...noted, `${style.green('✔')} ${file} is right`];
}

/** The settings in the file, as YAML, without secrets. */
export function configShownView({ path, lines }: ConfigShown, { style }: Page): string[] {
  return [style.dim(path === undefined ? '# there is no swapctl.yml' : `# ${path}`), ...lines];
}

/** The result of each notifier, in the order of the file. */
export function deliveriesView(deliveries: readonly Delivery[], page: Page): string[] {
  const { style } = page;
  const sent = (one: Delivery): boolean => one.outcome === 'sent';
  const columns = [
    { title: 'KIND', cell: (one: Delivery) => one.kind, paint: style.bold },
    { title: 'TO', cell: (one: Delivery) => one.to, cut: true },
    {
      title: 'RESULT',
      cell: (one: Delivery) => one.error ?? one.outcome,
      paint: (text: string, one: Delivery) => (sent(one) ? style.green : style.red)(text),
    },
  ];
  return table(deliveries, columns, page);
}
