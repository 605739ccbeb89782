import type { Progress } from '../report/progress.ts';
import { describeStep, type Step } from '../rollout/step.ts';
import { sanitizeText } from '../text/sanitize.ts';

/** A part of a roll. Times are milliseconds since the epoch. */
export interface Span {
  readonly name: string;
  readonly began: number;
  ended: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly events: { readonly at: number; readonly name: string; readonly text: string }[];
  /** Undefined: it succeeded. */
  error: string | undefined;
}

const MOST_SPANS = 500;
const MOST_EVENTS = 100;

/** Makes spans of the progress of one roll. */
export class SpanRecorder {
  readonly spans: Span[] = [];
  readonly #now: () => number;
  /** The step that each slot is at. */
  readonly #open = new Map<string, { readonly span: Span; readonly step: Step }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  note(progress: Progress): void {
    switch (progress.kind) {
      case 'step':
        this.#begin(progress.slot, progress.step);
        break;
      case 'done':
        this.#end(progress.slot, undefined);
        break;
      case 'pulled':
        this.#past('pull', progress.ms, { 'container.image.name': progress.reference });
        break;
      case 'built':
        this.#past('build', progress.ms, { 'swapctl.build': progress.what });
        break;
      case 'probe':
        this.#event(progress.slot, 'probe', progress.output);
        break;
      case 'evidence':
        this.#event(progress.slot, 'evidence', [...progress.health, ...progress.log].join(' | '));
        break;
      case 'debug':
        this.#failure(progress.text);
    }
  }

  /** Ends the open spans of an abandoned roll. */
  close(): void {
    for (const slot of [...this.#open.keys()]) this.#end(slot, 'not completed');
  }

  #begin(slot: string, step: Step): void {
    this.#end(slot, 'not completed');
    const now = this.#now();
    const attributes = { 'swapctl.slot': slot, 'swapctl.step': describeStep(step) };
    const span = this.#add({ name: step.kind, began: now, ended: now, attributes, events: [], error: undefined });
    this.#open.set(slot, { span, step });
  }

  // Progress reports the error of a failed step at once; only the next step of the slot shows that the step has ended.
  #failure(text: string): void {
    for (const [slot, { step }] of this.#open) {
      const start = `${slot}: ${describeStep(step)}: `;
      if (text.startsWith(start)) this.#end(slot, text.slice(start.length));
    }
  }

  #end(slot: string, error: string | undefined): void {
    const open = this.#open.get(slot);
    if (!open) return;
    this.#open.delete(slot);
    open.span.ended = this.#now();
    open.span.error = error === undefined ? undefined : sanitizeText(error);
  }

  #event(slot: string, name: string, text: string): void {
    const events = this.#open.get(slot)?.span.events;
    if (events && events.length < MOST_EVENTS) events.push({ at: this.#now(), name, text: sanitizeText(text) });
  }

  #past(name: string, ms: number, attributes: Span['attributes']): void {
    const now = this.#now();
    this.#add({ name, began: now - ms, ended: now, attributes, events: [], error: undefined });
  }

  #add(span: Span): Span {
    if (this.spans.length < MOST_SPANS) this.spans.push(span);
    return span;
  }
}
