import type { JobBook } from '../../../app/jobs/book.ts';
import type { Job, JobStep } from '../../../app/jobs/job.ts';

/** One server-sent event. */
export interface ServerEvent {
  /** `BOOT:COUNTER`: a returning client names its last one. */
  readonly id: string;
  readonly event: 'job' | 'step';
  readonly job: string;
  readonly service: string | undefined;
  readonly data: string;
}

/** The events that a returning client has missed, or the reason why they are gone. */
export type Missed = { readonly events: readonly ServerEvent[] } | { readonly resync: 'restarted' | 'too-old' };

const MOST_EVENTS = 1000;

/** The last events of a book of jobs, for present and returning listeners. */
export class EventHub {
  readonly #boot: string;
  #count = 0;
  #ring: ServerEvent[] = [];
  readonly #listeners = new Set<(event: ServerEvent) => void>();

  constructor(book: Pick<JobBook, 'subscribe'>, boot: string) {
    this.#boot = boot;
    book.subscribe((job, step) => this.#push(job, step));
  }

  /** The id of the newest event. */
  get lastId(): string {
    return `${this.#boot}:${this.#count}`;
  }

  listen(listener: (event: ServerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The events after that of an id. */
  since(id: string): Missed {
    const [boot, count = ''] = id.split(':');
    const last = Number(count);
    if (boot !== this.#boot || !/^\d{1,15}$/.test(count) || last > this.#count) return { resync: 'restarted' };
    if (last < this.#count - this.#ring.length) return { resync: 'too-old' };
    return { events: this.#ring.slice(this.#ring.length - (this.#count - last)) };
  }

  #push(job: Job, step: JobStep | undefined): void {
    this.#count += 1;
    const { steps: _, ...rest } = job;
    const data = JSON.stringify(step ? { job: job.id, service: job.service, step } : rest);
    const event = step ? ('step' as const) : ('job' as const);
    const pushed = { id: this.lastId, event, job: job.id, service: job.service, data };
    this.#ring = [...this.#ring, pushed].slice(-MOST_EVENTS);
    for (const listener of this.#listeners) listener(pushed);
  }
}
