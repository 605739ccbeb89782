import { shortDigest } from '../model/reference.ts';
import { sanitizeText } from '../text/sanitize.ts';
import type { Outcome, ServiceReport } from './report.ts';

/** The outcome of a service in a run over many. */
export type NotifiedOutcome =
  | 'updated'
  | 'current'
  | 'available'
  | 'held'
  | 'waiting'
  | 'skipped'
  | 'failed'
  | 'unknown';

/** An image as reports show it: a running one by `image`, one of a registry by `reference`. */
interface NotifiedImage {
  readonly image?: string | undefined;
  readonly reference?: string | undefined;
  readonly digest?: string | undefined;
}

/** The facts of a service that a summary needs; reports of rolls, checks and updates have all of them. */
export interface NotifiedService {
  readonly service: string;
  readonly outcome: NotifiedOutcome;
  readonly from?: NotifiedImage | undefined;
  readonly to?: NotifiedImage | undefined;
  readonly because: string;
  /** Of its roll; `by`: another container rolled it and has already sent the notification. */
  readonly report?: { readonly by?: string } | undefined;
  readonly error?:
    | {
        readonly code: string;
        readonly message: string;
        readonly hint?: string | undefined;
        /** The last lines that the failed container wrote. */
        readonly log?: readonly string[] | undefined;
      }
    | undefined;
}

/** The result of a run. */
export interface Run {
  readonly services: readonly NotifiedService[];
}

/** One line of a notification; `log` is foreign text, to be shown as such. */
export interface SummaryLine {
  readonly text: string;
  readonly log?: string;
}

/** The content of a notification, before its formatting for a receiver. No line has a line break or a control character. */
export interface Summary {
  readonly title: string;
  /** `bad`: something failed; `good`: something was updated. */
  readonly tone: 'good' | 'bad' | 'plain';
  readonly lines: readonly SummaryLine[];
  /** The same for programs, as JSON. */
  readonly document: { readonly title: string; readonly text: string } & Readonly<Record<string, unknown>>;
}

/** The occasions to notify. */
export const NOTIFY_WHEN = ['changes', 'failures', 'always'] as const;

export type NotifyWhen = (typeof NOTIFY_WHEN)[number];

/** The result of sending to one notifier. */
export interface Delivery {
  readonly kind: string;
  /** The receiver, without secrets. */
  readonly to: string;
  readonly outcome: 'sent' | 'failed';
  /** Why the notification was not sent; without secrets. */
  readonly error?: string;
}

// The most important first: a message may be cut.
const ORDER: readonly NotifiedOutcome[] = ['failed', 'unknown', 'updated', 'available', 'waiting', 'held', 'skipped'];
const NEXT_TO_NAMES: Readonly<Record<NotifiedOutcome, string>> = {
  failed: 'failed',
  unknown: 'could not be checked',
  updated: 'was updated',
  available: 'has an update',
  waiting: 'waits to be updated',
  held: 'is held back',
  skipped: 'was skipped',
  current: 'is current',
};
const IN_COUNTS: Readonly<Record<NotifiedOutcome, string>> = {
  failed: 'failed',
  unknown: 'not checked',
  updated: 'updated',
  available: 'available',
  waiting: 'waiting',
  held: 'held',
  skipped: 'skipped',
  current: 'current',
};

/** The summary of a run: each service that changed, failed or waits; `host`: the machine, if known. */
export function summarizeRun({ services }: Run, host: string | undefined): Summary {
  const all = [...ORDER, 'current' as const];
  const counts = all.map((outcome) => [outcome, services.filter((one) => one.outcome === outcome).length] as const);
  const counted = counts.flatMap(([outcome, count]) => (count > 0 ? [`${count} ${IN_COUNTS[outcome]}`] : []));
  const title = titled(host, counted.join(', ') || 'nothing to do');
  const lines = ORDER.flatMap((outcome) => services.filter((one) => one.outcome === outcome).map(lineOf));
  const has = (outcome: NotifiedOutcome): boolean => services.some((one) => one.outcome === outcome);
  return {
    title,
    tone: has('failed') ? 'bad' : has('updated') ? 'good' : 'plain',
    lines,
    document: { title, text: plainText(lines), host, counts: Object.fromEntries(counts), services },
  };
}

const OUTCOMES: Readonly<Record<Outcome, NotifiedOutcome>> = {
  rolled: 'updated',
  'rolled-back': 'updated',
  unchanged: 'current',
  failed: 'failed',
};

/** A run of rolls that a user requested. */
export function runOf(reports: readonly ServiceReport[]): Run {
  return {
    services: reports.map(({ service, outcome, from, to, because = '', error, attention }) => ({
      service,
      outcome: OUTCOMES[outcome],
      from,
      to,
      because,
      error: error ?? attention?.[0],
    })),
  };
}

/** The message of a test notification. */
export function testSummary(host: string | undefined): Summary {
  const title = titled(host, 'a test');
  const lines = [{ text: 'If you can read this, swapctl can tell you what came of its runs.' }];
  return { title, tone: 'plain', lines, document: { title, text: plainText(lines), host, test: true, services: [] } };
}

/** The outcomes, by service, that users already know and that need no further notification while they last. */
export type Notified = ReadonlyMap<string, string>;

/**
 * True: the run needs a notification. A roll or a failure is always new; an available update or a failed check only until the
 * users know it. A wait for an update window is not worth a notification.
 */
export function needsNotification({ services }: Run, when: NotifyWhen, told: Notified): boolean {
  switch (when) {
    case 'always':
      return true;
    case 'changes':
      return services.some((one) => isNews(one, told));
    case 'failures':
      return services.some((one) => isTrouble(one) && isNews(one, told));
  }
}

/** The outcomes that users know after a notification. */
export function notifiedAfter(told: Notified, { services }: Run): Notified {
  const all = new Map<string, string | undefined>([
    ...told,
    ...services.map((one) => [one.service, standing(one)] as const),
  ]);
  return new Map([...all].flatMap(([service, state]) => (state === undefined ? [] : [[service, state] as const])));
}

/** The lines as text, without markup. */
export function plainText(lines: readonly SummaryLine[]): string {
  return lines.map(({ text, log }) => (log === undefined ? text : `${text}\n    ${log}`)).join('\n');
}

function isNews(one: NotifiedService, told: Notified): boolean {
  if (one.outcome === 'updated' || one.outcome === 'failed') return true;
  const state = standing(one);
  return state !== undefined && state !== told.get(one.service);
}

function isTrouble({ outcome }: NotifiedService): boolean {
  return outcome === 'failed' || outcome === 'unknown';
}

// The outcome that may last from run to run.
function standing({ outcome, to, error }: NotifiedService): string | undefined {
  if (outcome === 'available') return `${outcome} ${to?.digest}`;
  return outcome === 'unknown' ? `${outcome} ${error?.code}` : undefined;
}

function titled(host: string | undefined, what: string): string {
  return sanitizeText(`swapctl${host ? ` on ${host}` : ''}: ${what}`);
}

function lineOf(one: NotifiedService): SummaryLine {
  const { service, outcome, error, because } = one;
  const why = error ? [error.message, error.hint].filter(Boolean).join('; ') : outcome === 'updated' ? '' : because;
  const text = [`${service} ${NEXT_TO_NAMES[outcome]}`, imagesOf(one), why].filter((part) => part !== '').join(': ');
  const log = error?.log?.findLast((line) => line.trim() !== '');
  return { text: sanitizeText(text), ...(log === undefined ? {} : { log: sanitizeText(log).trim() }) };
}

function imagesOf({ outcome, from, to }: NotifiedService): string {
  const before = from && imageText(from);
  const same = to === undefined || (to.digest !== undefined && to.digest === from?.digest);
  // After a failed roll that is the image that still serves, not the failed one.
  if (same) return outcome === 'failed' ? '' : (before ?? '');
  const sameName = (to.reference ?? to.image) === (from?.reference ?? from?.image);
  const after = sameName && to.digest ? shortDigest(to.digest) : imageText(to);
  return before ? `${before} → ${after}` : after;
}

function imageText({ reference, image, digest }: NotifiedImage): string {
  return [reference ?? image, digest && shortDigest(digest)].filter(Boolean).join(' ');
}
