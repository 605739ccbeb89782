import ora, { type Ora } from 'ora';
import type { Progress } from '../../../core/report/progress.ts';
import { describeStep, type Step } from '../../../core/rollout/step.ts';
import { reservedName } from '../../../core/service/names.ts';
import { formatDuration } from '../../../core/text/duration.ts';
import { harmlessText } from '../../../core/text/harmless.ts';
import { clip, type Style, screenWidth, wrapped } from '../style.ts';
import type { Terminal } from '../terminal.ts';
import type { Reporter } from './reporter.ts';
import { drawingStream } from './stream.ts';
import { buildFailureLines, evidenceLines, pullState } from './words.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 80;
// What stands beside the text: the spinner and the time.
const ROOM = 16;
const SHOW_TIME_AFTER_MS = 1000;

// A wait is over well only if the next step goes on.
const WAITS: readonly Step['kind'][] = ['await-healthy', 'settle', 'await-engine'];

/** Progress for people: what runs now with a spinner and its time, what is done as lines above it. */
export function createLive(terminal: Terminal, style: Style): Reporter {
  const live = new Live(terminal, style);
  return { report: (progress) => live.take(progress), aside: (print) => live.aside(print), stop: () => live.stop() };
}

interface Activity {
  readonly text: string;
  readonly began: number;
  readonly step?: Step;
}

interface Wait {
  readonly text: string;
  readonly ms: number;
  readonly step: Step;
}

type Kind = Progress['kind'];
type Taker<K extends Kind> = (progress: Extract<Progress, { kind: K }>) => void;

// Pulls belong to no slot.
const IMAGE = '\0image';

class Live {
  readonly #stderr: Terminal['stderr'];
  readonly #now: () => number;
  readonly #style: Style;
  readonly #spinner: Ora;
  /** By slot, the latest last: several may be at work at the same time. */
  readonly #running = new Map<string, Activity>();
  /** By slot, a wait that is over; only what follows tells whether it ended well. */
  readonly #waited = new Map<string, Wait>();
  readonly #takers: { readonly [K in Kind]: Taker<K> } = {
    resolving: ({ reference }) => this.#begin(IMAGE, `ask the registry for ${reference}`),
    pulling: (progress) => this.#pulling(progress),
    pulled: ({ reference, ms }) => this.#end(IMAGE, `pull ${reference}`, ms),
    building: ({ what, line }) => this.#begin(what, `build ${what}  ${line}`),
    built: ({ what, ms }) => this.#end(what, `build ${what}`, ms),
    'build-failed': (progress) => this.#buildFailed(progress),
    slot: (progress) => this.#heading(progress),
    step: ({ slot, step }) => this.#beginStep(slot, step),
    done: (progress) => this.#endStep(progress),
    evidence: (progress) => this.#evidence(progress),
    note: ({ text }) => this.#persist([`${this.#style.yellow('!')} ${harmlessText(text)}`]),
    probe: () => {},
    debug: () => {},
  };

  constructor({ stderr, now }: Terminal, style: Style) {
    this.#stderr = stderr;
    this.#now = now;
    this.#style = style;
    this.#spinner = ora({
      stream: drawingStream(stderr),
      spinner: { frames: FRAMES.map(style.cyan), interval: FRAME_MS },
      color: false,
      isEnabled: true,
      // It would put the terminal into raw mode, and Ctrl-C would be no signal any more.
      discardStdin: false,
      suffixText: () => this.#elapsed(),
    });
  }

  take(progress: Progress): void {
    (this.#takers[progress.kind] as Taker<Kind>)(progress);
  }

  aside(print: () => void): void {
    this.#undraw();
    print();
    this.#draw();
  }

  /** Takes the spinner away; a step that was never done has failed. */
  stop(): void {
    for (const slot of [...this.#waited.keys()]) this.#settleWait(slot, true);
    for (const { text, step } of this.#running.values()) if (step) this.#persist([this.#failed(text)]);
    this.#running.clear();
    this.#undraw();
  }

  #pulling(progress: Extract<Progress, { kind: 'pulling' }>): void {
    const text = `pull ${progress.reference}  ${pullState(progress)}`;
    const before = this.#running.get(IMAGE);
    const began = before?.text.startsWith('pull ') ? before.began : this.#now();
    this.#running.set(IMAGE, { text: harmlessText(text), began });
    this.#draw();
  }

  #heading({ slot, way, because }: Extract<Progress, { kind: 'slot' }>): void {
    this.#running.delete(IMAGE);
    const { bold, dim } = this.#style;
    const why = wrapped(harmlessText(because), this.#width - 2).map((line) => dim(`  ${line}`));
    this.#persist([`${bold(harmlessText(slot))}  ${harmlessText(way)}`, ...why]);
  }

  #beginStep(slot: string, step: Step): void {
    this.#running.delete(IMAGE);
    const waited = this.#waited.get(slot);
    this.#settleWait(slot, !waited || !turnsBack(waited.step, step));
    const unfinished = this.#running.get(slot);
    if (unfinished) this.#persist([this.#failed(unfinished.text)]);
    this.#begin(slot, describeStep(step), step);
  }

  #endStep({ slot, step, ms }: Extract<Progress, { kind: 'done' }>): void {
    const text = describeStep(step);
    const isWait = WAITS.includes(step.kind);
    if (isWait) this.#waited.set(slot, { text: harmlessText(text), ms, step });
    this.#end(slot, isWait ? undefined : text, ms);
  }

  #evidence(progress: Extract<Progress, { kind: 'evidence' }>): void {
    this.#settleWait(progress.slot, false);
    this.#persist(evidenceLines(progress).map(this.#style.dim));
  }

  #buildFailed(progress: Extract<Progress, { kind: 'build-failed' }>): void {
    this.#running.delete(progress.what);
    this.#persist([this.#failed(harmlessText(`build ${progress.what}`)), ...buildFailureLines(progress)]);
  }

  #settleWait(slot: string, well: boolean): void {
    const waited = this.#waited.get(slot);
    if (!waited) return;
    this.#waited.delete(slot);
    this.#persist([well ? this.#finished(waited.text, waited.ms) : this.#failed(waited.text)]);
  }

  #begin(key: string, text: string, step?: Step): void {
    // Taken out first, so that the latest is the last.
    this.#running.delete(key);
    this.#running.set(key, { text: harmlessText(text), began: this.#now(), ...(step ? { step } : {}) });
    this.#draw();
  }

  #end(key: string, text: string | undefined, ms: number): void {
    this.#running.delete(key);
    this.#persist(text === undefined ? [] : [this.#finished(harmlessText(text), ms)]);
  }

  #finished(text: string, ms: number): string {
    return `${this.#style.green('✔')} ${text}  ${this.#style.dim(formatDuration(ms))}`;
  }

  #failed(text: string): string {
    return `${this.#style.red('✘')} ${text}`;
  }

  // The drawing is taken away and put back around lines that stay, whoever writes them.
  #persist(lines: readonly string[]): void {
    this.#undraw();
    this.#stderr.write(lines.map((line) => `${line}\n`).join(''));
    this.#draw();
  }

  #draw(): void {
    const current = this.#current();
    if (!current) this.#undraw();
    else this.#spinner.text = clip(current.text, this.#width - ROOM);
    if (current && !this.#spinner.isSpinning) this.#spinner.start();
  }

  #undraw(): void {
    if (this.#spinner.isSpinning) this.#spinner.stop();
  }

  get #width(): number {
    return screenWidth(this.#stderr);
  }

  #current(): Activity | undefined {
    return [...this.#running.values()].at(-1);
  }

  #elapsed(): string {
    const current = this.#current();
    const ms = current ? this.#now() - current.began : 0;
    return ms < SHOW_TIME_AFTER_MS ? '' : this.#style.dim(` ${Math.floor(ms / 1000)} s`);
  }
}

const BACKWARD: ReadonlySet<Step['kind']> = new Set(['remember-failure', 'recreate-old', 'restore-restart', 'start']);

/** Whether a step after a wait shows that the wait ended badly: then the old container comes back and the new one goes. */
function turnsBack(wait: Step, next: Step): boolean {
  if (BACKWARD.has(next.kind)) return true;
  const own = 'container' in wait && 'container' in next && wait.container === next.container;
  if (next.kind === 'rename') return own === (reservedName(next.to) !== undefined);
  return own && (next.kind === 'stop' || next.kind === 'remove');
}
