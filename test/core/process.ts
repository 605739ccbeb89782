import { SwapError } from '../../src/core/error.ts';
import { imagine } from '../../src/core/expected.ts';
import type { Verdict } from '../../src/core/health.ts';
import { unrest, violation } from '../../src/core/invariants.ts';
import type { Desired, Observed, Replica } from '../../src/core/observed.ts';
import { type Decision, plan } from '../../src/core/plan.ts';
import { castRoles } from '../../src/core/slot.ts';
import type { Step } from '../../src/core/step.ts';
import type { Forward } from '../../src/core/traffic.ts';
import { HEALTHY, NAMES, UNSTARTED, WAITING } from './builders.ts';
import type { Box, Event, World } from './world.ts';

/** What a process knows, and loses when it dies. */
interface Memory {
  readonly made: Set<string>;
  readonly candidates: Set<string>;
  readonly copied: Set<string>;
  readonly proven: Set<string>;
  readonly settled: Set<string>;
  readonly drained: Set<string>;
  readonly shut: Set<string>;
  readonly turnedAway: Set<string>;
  readonly forwards: Forward[];
  readonly starts: Map<string, number>;
  readonly held: Map<string, Replica['restart']>;
  readonly putBack: Set<string>;
  rehearsed: boolean;
  giveUp: SwapError | undefined;
  interrupted: boolean;
}

export type Ending =
  | { readonly kind: 'converged' }
  | { readonly kind: 'refused' | 'raised'; readonly error: SwapError }
  | { readonly kind: 'died' };

/**
 * A process that rolls the slot: the loop of roll/run.ts over the abstract engine. Good outcomes of a step are those of
 * core/expected.ts; before every step it is asked whether that breaks a promise.
 */
export class Process {
  private readonly world: World;
  private memory: Memory = nothing();

  constructor(world: World) {
    this.world = world;
  }

  /** A new process that rolls the slot to an image, as app.ts does it: what was left half done comes first. */
  roll(image: string, force: boolean): Ending {
    const recovered = this.recover();
    if (recovered && recovered.kind !== 'converged' && recovered.kind !== 'refused') return recovered;
    this.memory = nothing();
    const [serving, ...more] = this.world.members();
    if (!serving?.running || more.length > 0) return refusal('the slot is not fit to be rolled');
    const { way, rehearse } = this.world.setup;
    const roll = `roll-${this.world.newId()}`;
    const { copies, keep, fills, back } = this.world.setup;
    const filling = fills ? this.world.backups.find((backup) => backup.image === image) : undefined;
    return this.run({
      image: { follows: 'app', id: image, digest: `digest-of-${image}` },
      roll,
      force,
      choice: { way, rehearse, because: 'the setup says so' },
      keepReference: `keep:${serving.facts.imageId}`,
      backup: { volumes: copies ? ['data'] : [], keep, fillFrom: filling?.roll },
      back,
      tagBefore: this.world.localTag === image ? undefined : this.world.localTag,
    });
  }

  /** What `swapctl recover` does (roll/recover.ts): the wish is read off the labels. */
  recover(): Ending | undefined {
    const members = this.world.members();
    const [only] = members;
    const half =
      members.length === 1 && only?.facts.name === NAMES.home && !only.started && only.facts.roll !== undefined;
    const helped = this.world.named(NAMES.rehearsal) ?? this.world.named(NAMES.standIn) ?? this.world.halfCopied;
    if (members.length === 1 && only?.facts.name === NAMES.home && !half && !helped) return undefined;
    this.memory = nothing();
    if (this.world.setup.gates) for (const box of members) if (box.running) this.memory.turnedAway.add(box.id);
    this.world.trace.push('-- recover');
    try {
      const { incumbent, candidate } = castRoles(
        NAMES.home,
        members.map((box) => box.facts),
        (half && only?.facts.roll) || 'recover',
      );
      const subject = candidate ?? incumbent;
      if (!subject) return refusal('no container is left');
      return this.run({
        image: { follows: 'app', id: subject.imageId, digest: undefined },
        roll: (candidate && subject.roll) ?? 'recover',
        force: false,
        choice: { way: subject.way ?? 'start-first', rehearse: false, because: 'recovery' },
        keepReference: 'keep',
        mendOnly: true,
        backup: { volumes: [], keep: this.world.setup.keep, fillFrom: undefined },
        back: false,
        tagBefore: undefined,
      });
    } catch (error) {
      return raisedBy(error);
    }
  }

  // The loop of roll/run.ts.
  private run(wish: Desired): Ending {
    this.world.trace.push(`-- ${wish.roll}: to ${wish.image.id}${wish.force ? ' by force' : ''}`);
    let failuresInRow = 0;
    for (;;) {
      const event = this.world.nextEvent();
      this.world.happen(event);
      if (event.kind === 'interrupt') this.memory.interrupted = true;
      if (event.kind === 'crash' && event.when === 'before') return { kind: 'died' };
      if (this.memory.interrupted) this.memory.giveUp ??= new SwapError('interrupted', 'interrupted');
      try {
        const seen = this.observe(wish);
        const decision = plan(wish, seen);
        this.world.trace.push(
          `   ${decision.kind === 'act' ? JSON.stringify(decision.step) : decision.kind === 'refuse' ? `refuse: ${decision.error.message}` : 'converged'}`,
        );
        if (decision.kind === 'refuse') return this.refused(seen, decision.error);
        if (decision.kind === 'converged') return this.converged(seen);
        if (decision.undoing) this.memory.giveUp ??= decision.undoing;
        const failed = this.attempt(wish, seen, decision.step, event);
        failuresInRow = failed ? failuresInRow + 1 : 0;
        if (failed) this.afterFailure(seen, decision, failed, failuresInRow);
      } catch (error) {
        return raisedBy(error);
      }
      if (event.kind === 'crash') return { kind: 'died' };
    }
  }

  // Who refuses has taken back what was begun, unless a person is asked to look.
  private refused(seen: Observed, error: SwapError): Ending {
    const wrong = error.code === 'attention' ? undefined : unrest(seen);
    if (wrong !== undefined) throw new Error(`refused, but ${wrong}`);
    return { kind: 'refused', error };
  }

  private converged(seen: Observed): Ending {
    const wrong = unrest(seen);
    if (wrong !== undefined) throw new Error(`converged, but ${wrong}`);
    return { kind: 'converged' };
  }

  private attempt(wish: Desired, seen: Observed, step: Step, event: Event): { passing: boolean } | undefined {
    const broken = violation(seen, step);
    if (broken !== undefined) throw new Error(`violation: ${broken}`);
    if (event.kind === 'step-fails') return event;
    if (event.kind === 'port-taken' && step.kind === 'start' && step.container === seen.candidate?.id) {
      this.world.box(step.container).refused = true;
      return { passing: false };
    }
    const refused = this.world.refuses(seen, step);
    if (refused) return refused;
    if (step.kind === 'await-healthy' && this.memory.giveUp && step.container === seen.candidate?.id) {
      throw new Error('it waits for a container that was given up');
    }
    const half = event.kind === 'crash' && event.when === 'middle';
    this.world.takeCopies(step, seen.incumbent?.imageId ?? seen.candidate?.imageBefore ?? '', half);
    if (step.kind === 'put-back') this.memory.putBack.add(step.backup);
    this.take(seen, step, imagine(wish, seen, step), wish);
    return undefined;
  }

  // As in roll/run.ts.
  private afterFailure(
    seen: Observed,
    decision: Extract<Decision, { kind: 'act' }>,
    failed: { passing: boolean },
    failuresInRow: number,
  ): void {
    const switched = seen.candidate?.name === NAMES.home && seen.candidate.verdict.kind === 'healthy';
    const pastReturn = decision.undoing !== undefined || switched;
    if (this.memory.interrupted && !pastReturn) return;
    if (failed.passing && failuresInRow < 3) return;
    if (decision.step.kind === 'start' && failuresInRow < 3) return;
    if (pastReturn || this.memory.giveUp) throw new SwapError('attention', 'a step failed for good');
    this.memory.giveUp = new SwapError('step-failed', 'a step failed for good');
  }

  private observe(wish: Desired): Observed {
    const views = this.world.members().map((box) => this.viewOf(box, wish));
    const { incumbent, candidate } = castRoles(NAMES.home, views, wish.roll);
    const { world, memory } = this;
    const rehearsal = world.named(NAMES.rehearsal);
    const standIn = world.named(NAMES.standIn);
    return {
      names: NAMES,
      incumbent,
      candidate,
      rehearsal: rehearsal && this.viewOf(rehearsal, wish),
      rehearsed: memory.rehearsed,
      standIn: standIn && this.viewOf(standIn, wish),
      cover: wish.choice.way === 'handover' || standIn ? world.cover : 'none',
      forwards: world.setup.gates && wish.choice.because !== 'recovery',
      forwarding: [...world.forwarding, ...memory.forwards.filter((one) => !isIn(world.forwarding, one))],
      gates: world.setup.gates && wish.choice.because !== 'recovery',
      failures: this.world.failures,
      dependents: this.world.dependents,
      backups: this.world.backups,
      halfCopied: this.world.halfCopied,
      looseCopies: this.world.loose,
      putBack: [...this.memory.putBack],
      localTag: this.world.localTag,
      incumbentKept:
        incumbent === undefined || incumbent.imageId === wish.image.id || this.world.kept.has(incumbent.imageId),
      vanished: [...this.memory.candidates].filter((id) => !views.some((view) => view.id === id)).length,
      takenAway: 0,
      giveUp: this.memory.giveUp,
    };
  }

  private viewOf(box: Box, wish: Desired): Replica {
    const { memory } = this;
    const verdict = verdictOf(box, memory.proven.has(box.id));
    return {
      ...box.facts,
      current: box.facts.imageId === wish.image.id,
      running: box.running,
      starts: memory.starts.get(box.id) ?? 0,
      held: memory.held.get(box.id),
      complete: memory.made.has(box.id),
      verdict,
      settled: verdict.kind === 'healthy' && memory.settled.has(box.id),
      drained: memory.drained.has(box.id),
      shut: memory.shut.has(box.id) || (box.running && memory.turnedAway.has(box.id)),
      missingFiles:
        box.needsFiles && box.facts.roll !== undefined && !memory.copied.has(box.id) ? ['/run/secrets/key'] : [],
    };
  }

  // Takes the imagined outcome over into the world: the engine's part, and the process's.
  private take(seen: Observed, step: Step, after: Observed, wish: Desired): void {
    const id = 'container' in step ? step.container : '';
    const marks = { 'await-healthy': 'proven', settle: 'settled', drain: 'drained', 'copy-files': 'copied' } as const;
    if (step.kind in marks) this.memory[marks[step.kind as keyof typeof marks]].add(id);
    if (step.kind === 'start') this.memory.proven.delete(id);
    if (step.kind === 'start') this.memory.starts.set(id, (this.memory.starts.get(id) ?? 0) + 1);
    // It turns new connections away at the end (roll/drain.ts).
    if (step.kind === 'drain' && seen.gates) this.memory.turnedAway.add(id);
    if (step.kind === 'open') this.memory.turnedAway.delete(id);
    if (step.kind === 'keep-image') this.world.kept.add(step.image);
    for (const role of ['incumbent', 'candidate', 'rehearsal', 'standIn'] as const)
      this.takeOne(seen[role], after[role], wish);
    this.memory.rehearsed = after.rehearsed;
    if (['cover', 'uncover', 'drop-cover'].includes(step.kind)) this.world.cover = after.cover;
    if (step.kind === 'forward') this.memory.forwards.push({ from: step.container, to: step.to, state: 'over' });
    this.world.forwarding = after.forwarding.filter((one) => one.state === 'leads');
    this.world.failures = [...after.failures];
    this.world.localTag = after.localTag ?? this.world.localTag;
    this.world.dependents = [...after.dependents];
    if (step.kind === 'start') this.world.come(this.world.box(id));
  }

  private takeOne(before: Replica | undefined, after: Replica | undefined, wish: Desired): void {
    if (before && !after) this.world.drop(before.id);
    if (!after) return;
    if (before) {
      const box = this.world.box(before.id);
      box.facts = { ...box.facts, name: after.name, restart: after.restart };
      box.running = after.running;
      if (after.shut && !before.shut) this.memory.shut.add(before.id);
      if (!after.shut) this.memory.shut.delete(before.id);
      if (after.held) this.memory.held.set(before.id, after.held);
      else this.memory.held.delete(before.id);
      return;
    }
    const id = this.world.newId();
    const tagBefore = wish.tagBefore ?? after.tagBefore;
    // The executor marks what it restores so that it is taken for no candidate (roll/create.ts).
    const restored = after.name === NAMES.old;
    const facts = restored
      ? {
          ...after,
          id,
          roll: `${wish.roll}-restored`,
          replaces: undefined,
          imageBefore: undefined,
          tagBefore: undefined,
        }
      : { ...after, id, tagBefore };
    this.world.boxes.push({
      id,
      facts,
      running: false,
      started: false,
      sick: false,
      refused: false,
      needsFiles: this.world.setup.files && !restored,
      forebears: this.forebears(id, restored),
    });
    this.memory.made.add(id);
    if (after.name === NAMES.next) this.memory.candidates.add(id);
  }

  // One that is restored comes after what its candidate came after; another after the one that is to go.
  private forebears(id: string, restored: boolean): string[] {
    const members = this.world.members();
    const before = restored ? members.find((box) => box.facts.replaces !== undefined) : members[0];
    const known = before?.forebears ?? [];
    return [...(restored ? known.filter((one) => one !== before?.id) : known), id];
  }
}

function isIn(all: readonly Forward[], { from, to }: Forward): boolean {
  return all.some((one) => one.from === from && one.to === to);
}

function verdictOf(box: Box, proven: boolean): Verdict {
  if (!box.started) return box.refused ? { kind: 'failed', reason: 'port taken', blame: 'host' } : UNSTARTED;
  if (!box.running) return { kind: 'failed', reason: 'it exited', blame: 'image' };
  if (box.sick) return { kind: 'failed', reason: 'unhealthy', blame: 'image' };
  return proven ? HEALTHY : WAITING;
}

function nothing(): Memory {
  const sets = {
    made: new Set<string>(),
    candidates: new Set<string>(),
    copied: new Set<string>(),
    proven: new Set<string>(),
  };
  return {
    ...sets,
    settled: new Set(),
    drained: new Set(),
    shut: new Set(),
    turnedAway: new Set(),
    forwards: [],
    starts: new Map(),
    held: new Map(),
    putBack: new Set(),
    rehearsed: false,
    giveUp: undefined,
    interrupted: false,
  };
}

function refusal(message: string): Ending {
  return { kind: 'refused', error: new SwapError('refused', message) };
}

// What swapctl raises on purpose ends a process; everything else is a broken test or a broken promise.
function raisedBy(error: unknown): Ending {
  if (error instanceof SwapError) return { kind: 'raised', error };
  throw error;
}
