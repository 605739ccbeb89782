import { shortDigest } from '../../core/model/reference.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import { htmlLogLine, htmlText } from '../../core/text/encode/html.ts';
import { stateText } from '../common/state.ts';
import { timesOf } from '../common/times.ts';
import { styleFor } from '../terminal/style.ts';
import { errorsOf, type Result, type Row, rowsOf } from './result.ts';

// HTML instead of Markdown tables: one rule of escaping is enough, and no text of an image or a log becomes markup.

const MARKS: Readonly<Record<Row['tone'], string>> = { good: '🔵', plain: '⚪', changed: '🟢', bad: '🔴' };
const MOST_LOG_LINES = 40;

/** The page of a run: a table, then failures with the last lines of the container, then the steps of a plan. */
export function summaryOf(result: Result, { title }: { title: string }): string {
  const rows = rowsOf(result);
  const parts = [
    `### ${htmlText(title)}`,
    rows.length > 0 ? tableOf(rows) : result.kind === 'raised' ? '' : '<p>nothing to do</p>',
    ...errorsOf(result).map(({ what, error }) => failure(what, error)),
    ...rows.flatMap(stepsOf),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

const COLUMNS: readonly [head: string, cell: (row: Row) => string][] = [
  ['', ({ tone }) => MARKS[tone]],
  ['what', ({ service }) => `<b>${htmlText(service)}</b>`],
  ['outcome', ({ outcome }) => htmlText(outcome)],
  ['from', ({ from }) => imageOf(from)],
  ['to', ({ to }) => imageOf(to)],
  ['strategy', ({ strategy }) => htmlText(strategy ?? '')],
  ['time', ({ timings }) => htmlText(timings ? timesOf(timings, styleFor(false, {}, false)).join(' ') : '')],
  ['why', ({ why }) => htmlText(why ?? '')],
];

// An empty column is left out.
function tableOf(rows: readonly Row[]): string {
  const columns = COLUMNS.map(([head, cell]) => [head, rows.map(cell)] as const).filter(([, cells]) =>
    cells.some(Boolean),
  );
  const head = columns.map(([name]) => `<th>${name}</th>`).join('');
  const lines = rows.map((_, at) => columns.map(([, cells]) => `<td>${cells[at]}</td>`).join(''));
  return `<table>\n${[head, ...lines].map((line) => `<tr>${line}</tr>`).join('\n')}\n</table>`;
}

function imageOf(image: Row['from']): string {
  if (!image) return '';
  return [image.image, ...(image.digest ? [shortDigest(image.digest)] : [])].map(code).join('<br>');
}

function failure(what: string, error: ReportedError): string {
  const { code: name, message, hint, log = [] } = error;
  const now = sentence(stateText(error) ?? '');
  const next = hint ? `<br>What to do: ${htmlText(hint)}` : '';
  const said = `<p>🔴 <b>${htmlText(what)}</b>: ${htmlText(message)} (${code(name)})<br>${now}${next}</p>`;
  const last = log.slice(-MOST_LOG_LINES).map(htmlLogLine);
  if (last.length === 0) return said;
  return `${said}\n<details open><summary>The last lines that its container wrote</summary>\n<pre>${last.join('\n')}</pre>\n</details>`;
}

function sentence(text: string): string {
  return text && `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function stepsOf({ service, steps = [] }: Row): string[] {
  if (steps.length === 0) return [];
  const list = steps.map((step) => `<li>${htmlText(step)}</li>`).join('\n');
  return [`<details><summary>The steps of ${htmlText(service)}</summary>\n<ol>\n${list}\n</ol>\n</details>`];
}

function code(text: string): string {
  return `<code>${htmlText(text)}</code>`;
}
