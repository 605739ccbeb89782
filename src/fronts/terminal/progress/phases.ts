import { describePhase, type RollPhase } from '../../../core/report/phase.ts';
import type { Progress } from '../../../core/report/progress.ts';
import { describeStep, type StepKind } from '../../../core/rollout/step.ts';
import type { Activity, Ended } from './activity.ts';
import { pullState } from './words.ts';

type Kind = Progress['kind'];
type Taker<K extends Kind> = (progress: Extract<Progress, { kind: K }>) => Ended[];

interface Slot {
  readonly began: number;
  readonly phase: RollPhase | undefined;
}

// A pull belongs to no slot.
const IMAGE = '\0image';
const NOTHING = (): Ended[] => [];
// For these steps, the phase already names the wait.
const WAITS: ReadonlySet<StepKind> = new Set(['await-healthy', 'settle', 'await-engine', 'drain']);

/** Derives phases from progress. Several slots, pulls and builds may run at the same time. */
export class Phases {
  readonly #now: () => number;
  /** Keyed by slot or build; the most recent one is last. */
  readonly #running = new Map<string, Activity>();
  readonly #slots = new Map<string, Slot>();
  /** Containers that are re-created because they depend on another one: their steps count to its phase. */
  readonly #moved = new Set<string>();
  readonly #takers: { readonly [K in Kind]: Taker<K> } = {
    resolving: ({ reference }) => this.#begin(IMAGE, 'image', `ask the registry for ${reference}`),
    pulling: (progress) => this.#pulling(progress),
    pulled: ({ reference, ms }) => this.#end(IMAGE, { phase: 'image', what: `pull ${reference}`, ms, ok: true }),
    building: ({ what, line }) => this.#building(what, line),
    built: ({ what, ms }) => this.#end(what, { phase: 'image', what: `build ${what}`, ms, ok: true }),
    'build-failed': ({ what }) => this.#finish(what, false),
    slot: NOTHING,
    step: (progress) => this.#step(progress),
    done: ({ step }) => this.#forget(step.kind === 'move-dependents' ? step.names : []),
    end: ({ slot, error }) => this.#endSlot(slot, error),
    waiting: ({ slot, what }) => this.#wait(slot, 0, what),
    probe: ({ slot, output }) => this.#wait(slot, 1, output.trim().split('\n').at(-1) ?? ''),
    evidence: NOTHING,
    note: NOTHING,
    debug: NOTHING,
    asked: NOTHING,
    call: NOTHING,
    logged: NOTHING,
    decision: NOTHING,
  };

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes one progress event and returns what it ended. */
  take(progress: Progress): Ended[] {
    return (this.#takers[progress.kind] as Taker<Kind>)(progress);
  }

  /** Everything that is running; the most recent one is last. */
  running(): Activity[] {
    return [...this.#running.values()];
  }

  /** Ends every open phase as failed. */
  stop(): Ended[] {
    return [...this.#slots.keys()].flatMap((slot) => this.#endSlot(slot, 'attention'));
  }

  #step({ slot, step, phase, strategy }: Extract<Progress, { kind: 'step' }>): Ended[] {
    if (step.kind === 'move-dependents') for (const name of step.names) this.#moved.add(name);
    if (this.#moved.has(slot)) return [];
    this.#running.delete(IMAGE);
    const before = this.#slots.get(slot) ?? { began: this.#now(), phase: undefined };
    this.#slots.set(slot, { ...before, phase });
    const ended = this.#enter(slot, before, phase, phase && describePhase(phase, slot, strategy));
    this.#wait(slot, 0, undefined);
    if (!WAITS.has(step.kind)) this.#wait(slot, 0, describeStep(step));
    return ended;
  }

  #enter(slot: string, before: Slot, phase: RollPhase | undefined, what: string | undefined): Ended[] {
    if (phase === undefined || what === undefined || phase === before.phase) return [];
    const ended = this.#finish(slot, phase !== 'undo');
    this.#begin(slot, phase, what, before.phase === undefined ? before.began : this.#now());
    return ended;
  }

  #endSlot(slot: string, error: string | undefined): Ended[] {
    const undone = this.#slots.get(slot)?.phase === 'undo' && error !== 'attention';
    this.#slots.delete(slot);
    return this.#finish(slot, error === undefined || undone);
  }

  #pulling(progress: Extract<Progress, { kind: 'pulling' }>): Ended[] {
    const what = `pull ${progress.reference}`;
    const before = this.#running.get(IMAGE);
    const began = before?.what === what ? before.began : this.#now();
    this.#begin(IMAGE, 'image', what, began);
    return this.#wait(IMAGE, 0, pullState(progress));
  }

  #building(what: string, line: string): Ended[] {
    this.#begin(what, 'image', `build ${what}`, this.#running.get(what)?.began);
    return this.#wait(what, 0, line);
  }

  #begin(key: string, phase: string, what: string, began = this.#now()): Ended[] {
    // Deleting the key first moves it to the end of the map.
    this.#running.delete(key);
    this.#running.set(key, { phase, what, began, waitsFor: [] });
    return [];
  }

  // Index 0 is the step or the limit of its wait, index 1 the last output of the health check; no text clears both.
  #wait(key: string, at: 0 | 1, text: string | undefined): Ended[] {
    const now = this.#running.get(key);
    if (!now) return [];
    const [limit, output] = now.waitsFor;
    const waitsFor = text === undefined ? [] : at === 0 ? [text, output] : [limit ?? '', text];
    this.#running.set(key, { ...now, waitsFor: waitsFor.filter((part) => part !== undefined) });
    return [];
  }

  #finish(key: string, ok: boolean): Ended[] {
    const now = this.#running.get(key);
    return now ? this.#end(key, { phase: now.phase, what: now.what, ms: this.#now() - now.began, ok }) : [];
  }

  #end(key: string, ended: Ended): Ended[] {
    this.#running.delete(key);
    return [ended];
  }

  #forget(names: readonly string[]): Ended[] {
    for (const name of names) this.#moved.delete(name);
    return [];
  }
}
