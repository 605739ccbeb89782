import ora, { type Ora } from 'ora';
import type { Progress } from '../../../core/report/progress.ts';
import { formatDuration } from '../../../core/text/duration.ts';
import { sanitizeText } from '../../../core/text/sanitize.ts';
import { type Style, screenWidth } from '../style.ts';
import type { Terminal } from '../terminal.ts';
import { clip, wrapped } from '../width.ts';
import type { Activity, Ended } from './activity.ts';
import { Phases } from './phases.ts';
import type { Reporter } from './reporter.ts';
import { drawingStream } from './stream.ts';
import { buildFailureLines, endedText, evidenceLines, runningText } from './words.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 80;
// The columns beside the text: the spinner and the time.
const ROOM = 16;
const SHOW_TIME_AFTER_MS = 1000;

/** Progress for people: running phases with a spinner and their time, finished ones as lines above. */
export function createLive(terminal: Terminal, style: Style): Reporter {
  const live = new Live(terminal, style);
  return { report: (progress) => live.take(progress), aside: (print) => live.aside(print), stop: () => live.stop() };
}

class Live {
  readonly #stderr: Terminal['stderr'];
  readonly #now: () => number;
  readonly #style: Style;
  readonly #spinner: Ora;
  readonly #phases: Phases;

  constructor({ stderr, now }: Terminal, style: Style) {
    this.#stderr = stderr;
    this.#now = now;
    this.#style = style;
    this.#phases = new Phases(now);
    this.#spinner = ora({
      stream: drawingStream(stderr),
      spinner: { frames: FRAMES.map(style.cyan), interval: FRAME_MS },
      color: false,
      isEnabled: true,
      // ora would put the terminal into raw mode, in which Ctrl-C sends no signal.
      discardStdin: false,
      suffixText: () => this.#elapsed(),
    });
  }

  take(progress: Progress): void {
    this.#persist([...this.#phases.take(progress).map((one) => this.#ended(one)), ...this.#lines(progress)]);
  }

  aside(print: () => void): void {
    this.#undraw();
    print();
    this.#draw();
  }

  /** Removes the spinner and marks every open phase as failed. */
  stop(): void {
    const unfinished = this.#phases.stop().map((one) => this.#ended(one));
    this.#undraw();
    this.#stderr.write(unfinished.map((line) => `${line}\n`).join(''));
  }

  #lines(progress: Progress): readonly string[] {
    switch (progress.kind) {
      case 'slot':
        return this.#heading(progress);
      case 'evidence':
        return evidenceLines(progress).map(this.#style.dim);
      case 'build-failed':
        return buildFailureLines(progress);
      case 'note':
        return [`${this.#style.yellow('!')} ${sanitizeText(progress.text)}`];
      default:
        return [];
    }
  }

  #heading({ slot, strategy, because }: Extract<Progress, { kind: 'slot' }>): readonly string[] {
    const { bold, dim } = this.#style;
    const why = wrapped(sanitizeText(because), this.#width - 2).map((line) => dim(`  ${line}`));
    return [`${bold(sanitizeText(slot))}  ${sanitizeText(strategy)}`, ...why];
  }

  #ended({ ok, ms, ...one }: Ended): string {
    const { green, red, dim } = this.#style;
    return `${ok ? green('✔') : red('✘')} ${sanitizeText(endedText(one))}  ${dim(formatDuration(ms))}`;
  }

  // Removes the spinner while permanent lines are printed, and draws it again below them.
  #persist(lines: readonly string[]): void {
    if (lines.length > 0) {
      this.#undraw();
      this.#stderr.write(lines.map((line) => `${line}\n`).join(''));
    }
    this.#draw();
  }

  #draw(): void {
    const current = this.#current();
    if (!current) this.#undraw();
    else this.#spinner.text = clip(sanitizeText(runningText(current)), this.#width - ROOM);
    if (current && !this.#spinner.isSpinning) this.#spinner.start();
  }

  #undraw(): void {
    if (this.#spinner.isSpinning) this.#spinner.stop();
  }

  get #width(): number {
    return screenWidth(this.#stderr);
  }

  #current(): Activity | undefined {
    return this.#phases.running().at(-1);
  }

  #elapsed(): string {
    const current = this.#current();
    const ms = current ? this.#now() - current.began : 0;
    return ms < SHOW_TIME_AFTER_MS ? '' : this.#style.dim(` ${Math.floor(ms / 1000)} s`);
  }
}
