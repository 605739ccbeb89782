import type { ServiceUpdate, UpdateOutcome, UpdateReport } from '../../../core/update/update.ts';
import type { Page, Style } from '../../terminal/style.ts';
import { type Column, table } from '../../terminal/table.ts';
import { hex12, hostColumn, type OnHost, ofHost, tagOf } from './parts.ts';

/** The result of each service, as a table that fits the terminal; below it advice for failures. */
export function updateView({ services }: UpdateReport, page: Page): string[] {
  return updateTable(services, page);
}

type Row = ServiceUpdate & OnHost;

/** The same for services that may be on several hosts. */
export function updateTable(services: readonly Row[], page: Page): string[] {
  if (services.length === 0) return NOTHING;
  const notes = services.flatMap((one) => noteOn(one, page.style));
  return [
    ...table(services, [...hostColumn(services, page.style), ...columns(page)], page),
    ...(notes.length > 0 ? ['', ...notes] : []),
  ];
}

const NOTHING = [
  'nothing is opted in: set the label swapctl.enable=true (or enable in swapctl.yml), name it, or use --all',
];

function columns({ style }: Page): Column<Row>[] {
  return [
    { title: 'SERVICE', cell: (one) => one.service, paint: style.bold, cut: true },
    { title: 'OUTCOME', cell: (one) => one.outcome, paint: (text, one) => PAINTS[one.outcome](style)(text) },
    { title: 'FROM', cell: ({ from, to }) => (from ? side(from.image, from.digest, to?.reference) : '-'), drop: 2 },
    { title: 'TO', cell: ({ from, to }) => (to ? side(to.reference, to.digest, from?.image) : '-'), drop: 1 },
    { title: 'WHY', cell: why, cut: true },
  ];
}

const PAINTS: Readonly<Record<UpdateOutcome, (style: Style) => (text: string) => string>> = {
  updated: (style) => style.green,
  available: (style) => style.cyan,
  current: (style) => style.dim,
  held: (style) => style.yellow,
  waiting: (style) => style.yellow,
  skipped: (style) => style.dim,
  failed: (style) => style.red,
  unknown: (style) => style.red,
};

// With the same reference the digest shows the difference, with two references the tag.
function side(reference: string, digest: string, other: string | undefined): string {
  const same = other === undefined || other === reference;
  return same ? hex12(digest) : tagOf(reference);
}

function why({ because, until }: ServiceUpdate): string {
  return until ? `until ${until.replace(/:\d\d(\.\d+)?Z$/, 'Z')}: ${because}` : because;
}

// A narrow table may lack room for it.
function noteOn(row: Row, style: Style): string[] {
  const { service, because, error } = row;
  if (!error) return [];
  return [
    `${ofHost(row).name}${style.bold(service)}: ${because}`,
    ...(error.hint ? [`  ${style.dim('next:')} ${error.hint}`] : []),
  ];
}
