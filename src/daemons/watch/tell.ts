import { exitStatus } from '../../core/model/error.ts';
import { shortDigest } from '../../core/model/reference.ts';
import type { ServiceUpdate } from '../../core/update/update.ts';
import type { Level, WatchLog } from '../log.ts';

/** Tells what became of services, each thing once: only what is done anew is news again. */
export interface Teller {
  tell(lines: readonly ServiceUpdate[]): void;
  /** What is gone is news when it comes back. */
  forget(present: ReadonlySet<string>): void;
}

export function teller(log: WatchLog): Teller {
  const told = new Map<string, string>();
  return {
    tell: (lines) => {
      for (const line of lines) {
        const before = told.get(line.service);
        const now = signature(line);
        told.set(line.service, now);
        const level = before === now && !isDeed(line) ? 'debug' : levelOf(line, before);
        log.tell(level, sentence(line), { ...line });
      }
    },
    forget: (present) => {
      for (const service of [...told.keys()]) if (!present.has(service)) told.delete(service);
    },
  };
}

/** Whether nothing could be asked: a registry is away, and not what was asked wrong. */
export function isAway({ outcome, error }: ServiceUpdate): boolean {
  return outcome === 'unknown' && error !== undefined && exitStatus(error.code) === 5;
}

function isDeed({ outcome }: ServiceUpdate): boolean {
  return outcome === 'updated' || outcome === 'failed';
}

// The words of an error may change from one time to the next, with the same meaning.
function signature({ outcome, to, because, error }: ServiceUpdate): string {
  return JSON.stringify([outcome, to?.digest, error?.code ?? (outcome === 'current' ? '' : because)]);
}

function levelOf({ outcome, error }: ServiceUpdate, before: string | undefined): Level {
  if (outcome === 'failed') return 'error';
  if (error) return 'warn';
  // That nothing is newer is no news, unless something was wrong before.
  if (outcome === 'current' && (before === undefined || !before.includes('unknown'))) return 'debug';
  return outcome === 'held' ? 'warn' : 'info';
}

function sentence({ service, outcome, from, to, because, until, error }: ServiceUpdate): string {
  const images = to && from ? ` ${from.image} ${shortDigest(from.digest)} → ${after(from.image, to)}` : '';
  const hint = error?.hint ? ` (${error.hint})` : '';
  return `${service}: ${outcome}${images}: ${because}${until ? `, until ${until}` : ''}${hint}`;
}

function after(image: string, { reference, digest }: NonNullable<ServiceUpdate['to']>): string {
  return reference === image ? shortDigest(digest) : `${reference} ${shortDigest(digest)}`;
}
