import type { Backup, Dependent, Failure, HalfCopied, Observed, Replica } from '../../src/core/observed.ts';
import type { Step } from '../../src/core/step.ts';
import type { Cover, Forward } from '../../src/core/traffic.ts';
import type { Way } from '../../src/core/way.ts';
import { NAMES, replica } from './builders.ts';

/** One container of the abstract engine. */
export interface Box {
  readonly id: string;
  /** Names, labels and configuration; what the planner derives from state and memory is overwritten by `viewOf`. */
  facts: Replica;
  running: boolean;
  started: boolean;
  sick: boolean;
  /** Its start was refused by the host: somebody else holds a port. */
  refused: boolean;
  needsFiles: boolean;
  /** Those that wrote, before it, what it finds in its volume: the containers that it came after, and itself. */
  readonly forebears: readonly string[];
}

/** Copies of the slot's volume, and what is in them. */
export interface KeptCopy extends Backup {
  readonly content: readonly string[];
}

/** What is in a volume while it is being emptied or filled. */
const TORN = 'torn';

export type Target = 'old' | 'new' | 'rehearsal' | 'stand-in';

/** What happens instead of (or before) a step that goes well. */
export type Event =
  | { readonly kind: 'well' }
  | { readonly kind: 'crash'; readonly when: 'before' | 'middle' | 'after' }
  | { readonly kind: 'step-fails'; readonly passing: boolean }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'sicken' | 'exit'; readonly target: Exclude<Target, 'old'> }
  | { readonly kind: 'port-taken' }
  | { readonly kind: 'cover-expires' | 'forward-expires' | 'rules-lost' }
  | { readonly kind: 'human-stops' | 'human-starts' | 'human-removes'; readonly target: Target }
  | { readonly kind: 'copies-pruned' | 'note-pruned' }
  | { readonly kind: 'human-renames'; readonly target: 'old' | 'new'; readonly to: string };

export interface Setup {
  readonly way: Way;
  readonly rehearse: boolean;
  readonly gates: boolean;
  readonly autoRemove: boolean;
  readonly restart: string;
  readonly files: boolean;
  readonly dependents: boolean;
  /** Whether the slot has a volume that is copied before each change, how many copies are kept, and whether rolls fill it. */
  readonly copies: boolean;
  readonly keep: number;
  readonly fills: boolean;
  /** Whether the rolls are ways back. */
  readonly back: boolean;
  /** Images that the wishes of the first rolls are about. */
  readonly images: readonly string[];
  readonly force: boolean;
}

export const OLD = 'old-image';
/** An image whose containers exit as soon as they are started, and one whose containers never become healthy. */
export const BROKEN = 'broken-image';
export const SICK = 'sick-image';
const HUMAN = /^human/;
// More than the longest roll and its undoing take together, for every event that may make it begin anew.
const STEPS_FOR_AN_EVENT = 40;

/** An abstract engine with one slot on it, and the script of what goes wrong there between two steps. */
export class World {
  readonly boxes: Box[] = [];
  failures: readonly Failure[] = [];
  localTag = OLD;
  cover: Cover = 'none';
  forwarding: readonly Forward[] = [];
  readonly kept = new Set<string>();
  dependents: readonly Dependent[] = [];
  backups: KeptCopy[] = [];
  halfCopied: HalfCopied | undefined;
  loose: readonly { readonly copy: string; readonly at: string }[] = [];
  /** What is in the slot's volume: each start of a container writes one entry. */
  data: readonly string[] = [];
  private readonly log: string[] = [];
  readonly trace: string[] = [];
  /** Images of which a container failed by itself. */
  readonly bad = new Set<string>();
  readonly setup: Setup;
  private script: Event[];
  private ids = 0;
  private now = 0;
  private touched = false;
  private steps = 0;
  private readonly bound: number;

  constructor(setup: Setup, script: readonly Event[]) {
    this.setup = setup;
    this.script = [...script];
    this.bound = STEPS_FOR_AN_EVENT * (script.length + 3);
    const { autoRemove } = setup;
    const facts = replica({
      id: 'c0',
      imageId: OLD,
      follows: 'app',
      autoRemove,
      restart: { Name: autoRemove ? 'no' : setup.restart },
    });
    this.boxes.push({
      id: 'c0',
      facts,
      running: true,
      started: true,
      sick: false,
      refused: false,
      needsFiles: setup.files,
      forebears: ['c0'],
    });
    this.come(this.box('c0'));
    if (setup.dependents) this.dependents = [{ name: 'sidecar', on: 'c0' }];
  }

  get eventsLeft(): number {
    return this.script.length;
  }

  /** Takes the next event off the script; raises if all this takes too long. */
  nextEvent(): Event {
    if (++this.steps > this.bound) throw new Error(`still not done after ${this.steps} steps`);
    const event = this.script.shift() ?? { kind: 'well' };
    if (event.kind !== 'well') this.trace.push(`   ! ${JSON.stringify(event)}`);
    return event;
  }

  /** Milliseconds of the engine's clock; no two things happen at once. */
  tick(): number {
    return ++this.now;
  }

  newId(): string {
    return `c${++this.ids}`;
  }

  /** From now on nothing happens any more. */
  fairWeather(): void {
    this.script = [];
  }

  /** The containers of the slot that are not its rehearsal. */
  members(): Box[] {
    return this.boxes.filter((box) => box.facts.name.startsWith('web') && !isHelper(box));
  }

  named(name: string): Box | undefined {
    return this.boxes.find((box) => box.facts.name === name);
  }

  box(id: string): Box {
    const box = this.boxes.find((one) => one.id === id);
    if (!box) throw new Error(`there is no container ${id}`);
    return box;
  }

  drop(id: string): void {
    const at = this.boxes.findIndex((box) => box.id === id);
    if (at >= 0) this.boxes.splice(at, 1);
  }

  /** What becomes of a container that was just started. */
  come(box: Box): void {
    const { imageId } = box.facts;
    box.started = true;
    box.facts = { ...box.facts, startedAt: this.tick() };
    if (this.setup.copies && !isHelper(box)) this.write(box);
    if (imageId === BROKEN || imageId === SICK) this.bad.add(imageId);
    if (imageId === SICK) box.sick = true;
    if (imageId === BROKEN) this.exit(box);
  }

  // Whoever starts on what is half restored, or was written by one that it does not come after, does harm.
  private write(box: Box): void {
    const strange = this.data.find((entry) => !box.forebears.includes(entry.split('#')[0] ?? ''));
    if (strange && !this.touched) throw new Error(`${box.id} was started on what ${strange} left`);
    this.data = [...this.data, `${box.id}#${this.now}`];
    this.log.push(`${box.id}#${this.now}`);
  }

  /** All that a container, and those it came after, ever wrote. */
  written(box: Box | undefined): string[] {
    return this.log.filter((entry) => box?.forebears.includes(entry.split('#')[0] ?? ''));
  }

  /** Whether a person did something to the slot, so that what is in its volume proves nothing any more. */
  get meddledWith(): boolean {
    return this.touched;
  }

  /** Does a step on copies; `half`: it is killed in its middle. */
  takeCopies(step: Step, image: string, half: boolean): void {
    if (step.kind === 'back-up') this.backUp(step, image, half);
    if (step.kind === 'put-back') this.putBack(step, half);
    if (step.kind === 'drop-backup') this.dropBackup(step, half);
    if (step.kind === 'drop-copies') this.loose = this.loose.filter(({ copy }) => !step.copies.includes(copy));
  }

  private backUp({ roll, volumes }: Extract<Step, { kind: 'back-up' }>, image: string, half: boolean): void {
    this.backups = this.backups.filter((backup) => backup.roll !== roll);
    const copies = volumes.map((volume) => ({ volume, copy: `copy-${roll}`, bytes: 0, files: 0 }));
    const madeAt = this.tick();
    const at = String(madeAt).padStart(9, '0');
    this.loose = this.loose.filter(({ copy }) => copy !== `copy-${roll}`);
    if (half) {
      this.halfCopied = { id: this.newId(), name: NAMES.copying, copies: copies.map(({ copy }) => copy) };
      this.loose = [...this.loose, { copy: `copy-${roll}`, at }];
      return;
    }
    const id = this.newId();
    this.backups.unshift({
      id,
      name: `web.swapctl-backup-${roll}`,
      roll,
      at,
      madeAt,
      image,
      copies,
      content: this.data,
    });
  }

  private putBack({ backup }: Extract<Step, { kind: 'put-back' }>, half: boolean): void {
    const found = this.backups.find(({ id }) => id === backup);
    if (!found) throw new Error('there is no such copy');
    if (half) this.halfCopied = { id: this.newId(), name: NAMES.copying, copies: [] };
    this.data = half ? [TORN] : found.content;
  }

  private dropBackup({ container, copies }: Extract<Step, { kind: 'drop-backup' }>, half: boolean): void {
    const found = this.backups.find(({ id }) => id === container);
    this.backups = this.backups.filter(({ id }) => id !== container);
    if (this.halfCopied?.id === container) this.halfCopied = undefined;
    if (half && found) this.loose = [...this.loose, ...copies.map((copy) => ({ copy, at: found.at }))];
    else this.loose = this.loose.filter(({ copy }) => !copies.includes(copy));
  }

  /** What the engine says no to; such a step has no effect. */
  refuses(seen: Observed, step: Step): { passing: boolean } | undefined {
    const final = { passing: false };
    switch (step.kind) {
      case 'create':
      case 'create-rehearsal':
      case 'create-stand-in':
      case 'recreate-old':
        return this.named(step.name) ? final : undefined;
      case 'rename':
        return this.named(step.to) ? { passing: true } : undefined;
      case 'cover':
        return seen.standIn ? undefined : final;
      case 'copy-files':
        return seen.incumbent ? undefined : final;
      case 'hold-restart':
        return this.box(step.container).facts.autoRemove ? final : undefined;
      case 'remove':
        return this.box(step.container).running &&
          step.container !== seen.rehearsal?.id &&
          step.container !== seen.standIn?.id
          ? { passing: true }
          : undefined;
      case 'move-dependents':
        return this.box(step.to).running ? undefined : final;
      default:
        return undefined;
    }
  }

  /** Lets an event happen to the containers. */
  happen(event: Event): void {
    if (event.kind === 'copies-pruned' || event.kind === 'note-pruned') this.prune(event.kind);
    if (event.kind === 'rules-lost') Object.assign(this, { cover: 'none', forwarding: [] });
    if (event.kind === 'forward-expires') this.forwarding = [];
    if (event.kind === 'cover-expires' && this.cover === 'expiring') this.cover = 'over';
    const box = 'target' in event ? this.target(event.target) : undefined;
    if (!box) return;
    if (HUMAN.test(event.kind)) this.interfere(event, box);
    if (HUMAN.test(event.kind) || !box.running) return;
    if (event.kind === 'sicken') box.sick = true;
    if (event.kind === 'exit') this.exit(box);
    this.bad.add(box.facts.imageId);
  }

  // With the containers that say so, copies count no more, whether or not the volumes are still there.
  private prune(what: 'copies-pruned' | 'note-pruned'): void {
    if (this.backups.length > 0) this.touched = true;
    const kept = this.backups.flatMap(({ copies, at }) => copies.map(({ copy }) => ({ copy, at })));
    if (what === 'note-pruned') this.loose = [...this.loose, ...kept];
    this.backups = [];
  }

  private interfere(event: Event, box: Box): void {
    // Who starts the old container on what it wrote itself does it no harm: what it writes now must not be lost.
    const isOld = this.members().some((other) => other.facts.replaces === box.id);
    const fits = isOld && this.data.every((entry) => box.forebears.includes(entry.split('#')[0] ?? ''));
    if (event.kind !== 'human-starts' || !fits) this.touched = true;
    if (event.kind === 'human-stops' && box.running) this.exit(box);
    if (event.kind === 'human-removes') this.drop(box.id);
    if (event.kind === 'human-starts' && !this.portsTaken(box)) this.come(Object.assign(box, { running: true }));
    if (event.kind !== 'human-renames' || this.named(event.to)) return;
    box.facts = { ...box.facts, name: event.to };
  }

  private portsTaken(starting: Box): boolean {
    return (
      this.setup.way !== 'start-first' &&
      !isHelper(starting) &&
      this.boxes.some((box) => box !== starting && box.running && !isHelper(box))
    );
  }

  private exit(box: Box): void {
    box.running = false;
    if (box.facts.autoRemove) this.drop(box.id);
  }

  private target(target: Target): Box | undefined {
    if (target === 'rehearsal' || target === 'stand-in')
      return this.named(target === 'rehearsal' ? NAMES.rehearsal : NAMES.standIn);
    const members = this.members();
    const next = members.find((box) => members.some((other) => other.id === box.facts.replaces));
    return target === 'new' ? next : members.find((box) => box !== next);
  }
}

// Helpers publish no port that anybody else needs.
function isHelper(box: Box): boolean {
  return box.facts.name === NAMES.rehearsal || box.facts.name === NAMES.standIn;
}
