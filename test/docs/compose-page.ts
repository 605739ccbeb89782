// The tables of docs/reference/compose.md.
import { readFileSync } from 'node:fs';

const STATUSES = ['kept', 'done', 'named', 'refused', 'irrelevant'] as const;
export type Status = (typeof STATUSES)[number];

export interface Row {
  /** What stands in the first cell in code, one by one. */
  readonly name: string;
  /** Text behind the names: the row is about a part of them. */
  readonly part: string;
  readonly status: Status | undefined;
  /** Path of a test file from `test/`; undefined where there is nothing to show. */
  readonly test: string | undefined;
}

/** The rows of the table below a heading. */
export function rowsOf(heading: string): Row[] {
  const page = readFileSync(new URL('../../docs/reference/compose.md', import.meta.url), 'utf8');
  const [, chapter = ''] = page.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const [own = ''] = chapter.split(/^#/m);
  const lines = own.split('\n').filter((line) => line.startsWith('| `'));
  return lines.flatMap(rowsIn);
}

function rowsIn(line: string): Row[] {
  const [, first = '', word = '', , last = ''] = line.split('|').map((cell) => cell.trim());
  const [, names = '', part = ''] = /^((?:`\w+`(?:, )?)+)(.*)$/.exec(first) ?? [];
  const status = STATUSES.find((one) => one === word);
  const test = /^`(.+)`$/.exec(last)?.[1];
  return [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => ({ name, part: part.trim(), status, test }));
}
