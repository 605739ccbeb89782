import { isRejection } from '../../../core/health/blame.ts';
import { shortDigest } from '../../../core/model/reference.ts';
import type { ServiceHistory } from '../../../core/report/status.ts';
import { formatAge } from '../../../core/text/duration.ts';
import { shellOperands } from '../../../core/text/encode/shell.ts';
import type { Page, Style } from '../../terminal/style.ts';
import { type Column, table } from '../../terminal/table.ts';
import { formatBytes, imageText } from './parts.ts';

type Entry = ServiceHistory['entries'][number];
type Backup = ServiceHistory['backups'][number];
type Failure = ServiceHistory['failures'][number];

const LOG_LINES = 5;

/** The images of a service, newest first, and the failed ones with their last lines. */
export function historyView({ service, entries, failures, backups }: ServiceHistory, page: Page): string[] {
  const { style, now } = page;
  const rows =
    entries.length > 0 ? table(entries, columns(page), page) : ['no image is known yet but the one that runs'];
  const back = entries.some((entry) => !entry.current && entry.available)
    ? [`to go back: swapctl rollback ${shellOperands([service])}`]
    : [];
  const failed =
    failures.length > 0
      ? ['', style.bold('failed'), ...failures.flatMap((failure) => failureLines(failure, style, now))]
      : [];
  return [style.bold(service), ...rows, ...back, ...copyLines(service, backups, page), ...failed];
}

function copyLines(service: string, backups: readonly Backup[], page: Page): string[] {
  if (backups.length === 0) return [];
  const copies = backups.flatMap(({ volumes, ...backup }) => volumes.map((volume) => ({ ...backup, ...volume })));
  const columns: Column<(typeof copies)[number]>[] = [
    { title: 'VOLUME', cell: ({ volume }) => volume },
    { title: 'COPIED TO', cell: ({ copy }) => copy },
    { title: 'SIZE', cell: ({ bytes }) => formatBytes(bytes) },
    { title: 'WHEN', cell: ({ at }) => when(at, page.now), drop: 1 },
    { title: 'OF IMAGE', cell: ({ image }) => shortDigest(image), drop: 2 },
  ];
  const way = `with its volumes: swapctl rollback --with-volumes ${shellOperands([service])}`;
  return ['', page.style.bold('volume backups'), ...table(copies, columns, page), way];
}

function columns({ style, now }: Page): Column<Entry>[] {
  return [
    { title: 'IMAGE', cell: (entry) => entry.follows, cut: true },
    { title: 'DIGEST', cell: (entry) => shortDigest(entry.digest ?? entry.id) },
    { title: 'CAME BY', cell: cameBy, drop: 1 },
    { title: 'WHEN', cell: (entry) => when(entry.at, now), drop: 2 },
    {
      title: 'STATE',
      cell: stateOf,
      paint: (text, entry) =>
        (stateOf(entry) === 'runs'
          ? style.green
          : entry.current
            ? style.yellow
            : entry.available
              ? style.cyan
              : style.dim)(text),
    },
  ];
}

const EVENTS: Readonly<Record<string, string>> = { started: 'first start', rolled: 'roll', 'rolled-back': 'rollback' };

function cameBy(entry: Entry): string {
  if (entry.event === 'started' && entry.current && entry.status === 'created') return '-';
  return EVENTS[entry.event] ?? entry.event;
}

function stateOf(entry: Entry): string {
  if (entry.current) return STATES[entry.status] ?? entry.status;
  return entry.available ? 'kept' : 'gone';
}

const STATES: Readonly<Record<string, string>> = {
  created: 'never started',
  running: 'runs',
  paused: 'paused',
  restarting: 'restarting',
  removing: 'stopped',
  exited: 'stopped',
  dead: 'stopped',
};

function failureLines(
  { image, digest, at, code, reason, health, log, tries, volume, config }: Failure,
  style: Style,
  now: number,
): string[] {
  const words = [...health.slice(-1), ...log.slice(-LOG_LINES)];
  return [
    `${style.red('✘')} ${imageText({ image, digest })}  ${when(at, now)}`,
    `  ${reason} ${style.dim(`(${code}${again(code, tries)})`)}`,
    ...words.map((line) => style.dim(`    ${line}`)),
    style.dim(`  to forget this failure: docker ${forgetting(volume, config)}`),
  ];
}

function forgetting(volume: string | undefined, config = ''): string {
  return volume === undefined ? `config rm ${shellOperands([config])}` : `volume rm ${shellOperands([volume])}`;
}

function again(code: Failure['code'], tries = 1): string {
  if (isRejection({ code })) return '';
  return `, not rejected; ${tries === 1 ? 'tried once' : `tried ${tries} times`}`;
}

// A damaged label is shown as it is.
function when(at: string, now: number): string {
  const time = Date.parse(at);
  return Number.isNaN(time)
    ? at
    : `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')}Z (${formatAge(now - time)} ago)`;
}
