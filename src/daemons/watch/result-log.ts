import { exitStatus } from '../../core/model/error.ts';
import { shortDigest } from '../../core/model/reference.ts';
import type { ServiceUpdate } from '../../core/update/update.ts';
import type { Level, WatchLog } from '../log.ts';

/** Logs the results of services, each once: only a new action is logged again. */
export interface ResultLog {
  write(lines: readonly ServiceUpdate[]): void;
  /** A removed service is logged again when it comes back. */
  forget(present: ReadonlySet<string>): void;
}

export function resultLog(log: WatchLog): ResultLog {
  const written = new Map<string, string>();
  return {
    write: (lines) => {
      for (const line of lines) {
        const before = written.get(line.service);
        const now = signature(line);
        written.set(line.service, now);
        const level = before === now && !isAction(line) ? 'debug' : levelOf(line, before);
        log.write(level, sentence(line), { ...line });
      }
    },
    forget: (present) => {
      for (const service of [...written.keys()]) if (!present.has(service)) written.delete(service);
    },
  };
}

/** True: the check could not ask a registry because it is out of reach. */
export function isAway({ outcome, error }: ServiceUpdate): boolean {
  return outcome === 'unknown' && error !== undefined && exitStatus(error.code) === 5;
}

function isAction({ outcome }: ServiceUpdate): boolean {
  return outcome === 'updated' || outcome === 'failed';
}

// The words of an error may vary with the same meaning.
function signature({ outcome, to, because, error }: ServiceUpdate): string {
  return JSON.stringify([outcome, to?.digest, error?.code ?? (outcome === 'current' ? '' : because)]);
}

function levelOf({ outcome, error }: ServiceUpdate, before: string | undefined): Level {
  if (outcome === 'failed') return 'error';
  if (error) return 'warn';
  // An up-to-date service is not worth a line, unless it had an error before.
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
