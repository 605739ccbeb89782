import type { Phase, ReplicaStatus } from '../../../core/report/status.ts';
import { formatAge } from '../../../core/text/duration.ts';
import { shellOperands } from '../../../core/text/encode/shell.ts';
import type { Page, Style } from '../../terminal/style.ts';
import { type Column, table } from '../../terminal/table.ts';
import { hostColumn, type OnHost, ofHost } from './parts.ts';

/** The state of services, as a table that fits the terminal, with notes below. */
export function statusView(replicas: readonly ReplicaStatus[], page: Page): string[] {
  return replicas.length === 0 ? ['there are no containers on this engine'] : statusTable(replicas, page);
}

/** The same for replicas that may be on several hosts. */
export function statusTable(replicas: readonly (ReplicaStatus & OnHost)[], page: Page): string[] {
  if (replicas.length === 0) return [];
  const notes = replicas.flatMap((replica) => notesOn(replica, page.style));
  return [...table(replicas, columns(replicas, page.style), page), ...(notes.length > 0 ? ['', ...notes] : [])];
}

type Row = ReplicaStatus & OnHost;

function columns(replicas: readonly Row[], style: Style): Column<Row>[] {
  const services = replicas.map(({ host = '', service }) => `${host}/${service}`);
  const scaled = new Set(services).size < services.length;
  // Only the container distinguishes several replicas, so that column is dropped last.
  const container: Column<Row> = { title: 'CONTAINER', cell: (one) => one.container, cut: true };
  return [
    ...hostColumn(replicas, style),
    { title: 'SERVICE', cell: (one) => one.service, paint: style.bold, cut: true },
    ...(scaled ? [container] : []),
    { title: 'IMAGE', cell: (one) => one.image, cut: true },
    { title: 'DIGEST', cell: (one) => hex12(one.digest), drop: 3 },
    { title: 'AGE', cell: (one) => (one.startedAt ? formatAge(one.ageMs) : '-'), drop: 4 },
    { title: 'HEALTH', cell: (one) => one.health, paint: (text, one) => healthPaint(one.health, style)(text), drop: 5 },
    { title: 'PHASE', cell: (one) => one.phase, paint: (text, one) => phasePaint(one.phase, style)(text) },
    { title: 'STRATEGY', cell: (one) => (isStrategy(one.strategy) ? one.strategy : 'none'), drop: 2 },
    {
      title: 'LAST ROLL',
      cell: (one) => (one.lastRollAgeMs === undefined ? '-' : `${formatAge(one.lastRollAgeMs)} ago`),
      drop: 1,
    },
  ];
}

function notesOn(replica: Row, style: Style): string[] {
  const { service, container, strategy, phase, failedImages } = replica;
  const { name, option } = ofHost(replica);
  const failed = `${failedImages} image${failedImages === 1 ? '' : 's'} failed here before: swapctl history ${option}${shellOperands([service])}`;
  const notes = [
    ...(phase === 'interrupted'
      ? [style.yellow(`a roll was interrupted: swapctl recover ${option}finishes or undoes it`)]
      : []),
    ...(isStrategy(strategy) ? [] : [`can't be rolled: ${strategy}`]),
    ...(failedImages > 0 ? [failed] : []),
  ];
  return notes.map((note) => `${name}${container}: ${note}`);
}

function isStrategy(way: string): boolean {
  return /^(start-first|stop-first|handover)$/.test(way);
}

function healthPaint(health: string, style: Style): (text: string) => string {
  if (health === 'healthy') return style.green;
  if (health === 'unhealthy') return style.red;
  return health === 'starting' ? style.yellow : style.dim;
}

function phasePaint(phase: Phase, style: Style): (text: string) => string {
  if (phase === 'serving') return style.green;
  return phase === 'unhealthy' || phase === 'restarting' || phase === 'interrupted' ? style.red : style.yellow;
}

function hex12(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1).slice(0, 12);
}
