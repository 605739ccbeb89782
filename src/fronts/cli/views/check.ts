import { formatAge } from '../../../core/text/duration.ts';
import { shellOperands } from '../../../core/text/encode/shell.ts';
import type { Checked, CheckOutcome } from '../../../core/update/newer.ts';
import type { Page, Style } from '../../terminal/style.ts';
import { type Column, table } from '../../terminal/table.ts';
import { hex12, hostColumn, type OnHost, ofHost, tagOf } from './parts.ts';

/** The available image of each service, as a table that fits the terminal; below it the reasons that add information. */
export function checkView(checked: readonly Checked[], page: Page): string[] {
  if (checked.length === 0) return ['nothing runs on this engine'];
  const found = checked.filter(({ outcome }) => outcome === 'available');
  const next = found.length > 0 ? ['', `swapctl roll ${shellOperands(found.map(({ service }) => service))}`] : [];
  return [...checkTable(checked, page), ...next];
}

type Row = Checked & OnHost;

/** The same table and notes for services that may be on several hosts. */
export function checkTable(checked: readonly Row[], page: Page): string[] {
  if (checked.length === 0) return [];
  const notes = checked.flatMap((one) => noteOn(one, page.style));
  const columns = [...hostColumn(checked, page.style), ...columnsFor(page)];
  return [...table(checked, columns, page), ...(notes.length > 0 ? ['', ...notes] : [])];
}

function columnsFor({ style, now }: Page): Column<Row>[] {
  return [
    { title: 'SERVICE', cell: (one) => one.service, paint: style.bold, cut: true },
    { title: 'IMAGE', cell: (one) => one.from.image, cut: true },
    { title: 'NOW', cell: ({ from }) => hex12(from.digest), drop: 2 },
    { title: 'AVAILABLE', cell: available, paint: (text, one) => PAINTS[one.outcome](style)(text), cut: true },
    {
      title: 'BUILT',
      cell: ({ to }) => (to?.created ? `${formatAge(now - Date.parse(to.created))} ago` : '-'),
      drop: 1,
    },
  ];
}

// The tag if it differs, else the digest.
function available({ outcome, from, to, error }: Checked): string {
  if (outcome === 'current' && from.image.includes('@')) return 'pinned';
  if (outcome === 'current' || outcome === 'skipped') return outcome;
  if (outcome === 'unknown') return error ? error.code : 'unknown';
  const what = to === undefined ? '' : to.reference === from.image ? hex12(to.digest) : tagOf(to.reference);
  return outcome === 'held' ? `held: ${what}` : what;
}

const PAINTS: Readonly<Record<CheckOutcome, (style: Style) => (text: string) => string>> = {
  available: (style) => style.green,
  current: (style) => style.dim,
  held: (style) => style.yellow,
  skipped: (style) => style.dim,
  unknown: (style) => style.red,
};

function noteOn(row: Row, style: Style): string[] {
  const { service, outcome, because, error } = row;
  if (outcome === 'current' || outcome === 'available') return [];
  return [
    `${ofHost(row).name}${style.bold(service)}: ${because}`,
    ...(error?.hint ? [`  ${style.dim('next:')} ${error.hint}`] : []),
  ];
}
