import type { Exclusive } from './exclusive.ts';

/** Why two containers can't run side by side, and what to change so that they can. `noHandover`: why there is no port redirect. */
export function whyOneAtATime(held: readonly Exclusive[], noHandover: string | undefined): string {
  const obstacles = noHandover === undefined ? held.filter(({ kind }) => kind !== 'port') : held;
  const can = obstacles.some(({ hard }) => hard) ? 'have' : 'safely share';
  const changes = listed(changesFor(held, obstacles, noHandover === undefined), ', and ');
  const without = noHandover !== undefined && hasPorts(held) ? ` (no handover: ${noHandover})` : '';
  return `${named(obstacles)}, which two containers can't ${can} at once; to change it, ${changes}${without}`;
}

// One resource of each kind is enough: the change is the same.
function named(obstacles: readonly Exclusive[]): string {
  const firsts = obstacles.filter(({ kind }, n) => obstacles.findIndex((other) => other.kind === kind) === n);
  const more = obstacles.length - firsts.length;
  const whats = listed(
    firsts.map(({ what }) => what),
    ' and ',
  );
  return more > 0 ? `${whats} (and ${more} more such thing${more > 1 ? 's' : ''})` : whats;
}

// swapctl.strategy=start-first also permits two writers to the volumes; handover permits only a shared device.
function changesFor(held: readonly Exclusive[], obstacles: readonly Exclusive[], handsOver: boolean): string[] {
  const isForced = obstacles.some(({ kind }) => kind === 'device');
  const byHandover = handsOver && hasPorts(held);
  const changes = obstacles.flatMap(({ kind, change }) => {
    if (kind === 'device' && byHandover) return ['set swapctl.strategy=handover'];
    if (kind === 'port-range' && handsOver) return ['publish single host ports instead of a range'];
    return kind === 'volume' && isForced && !byHandover ? [] : [change];
  });
  const several = obstacles.filter(({ kind }) => kind === 'volume').length > 1;
  return [...new Set(changes)].map((change) => (several ? change.replace('mount it', 'mount them') : change));
}

function hasPorts(held: readonly Exclusive[]): boolean {
  return held.some(({ kind }) => kind === 'port' || kind === 'port-range');
}

function listed(texts: readonly string[], and: string): string {
  const last = texts.at(-1) ?? '';
  return texts.length > 1 ? `${texts.slice(0, -1).join(', ')}${and}${last}` : last;
}
