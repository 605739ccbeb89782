import type { HealthConfig } from '../../core/model/container.ts';
import { isConflict, isFault } from '../../core/model/engine-error.ts';
import { fail, messageOf } from '../../core/model/error.ts';
import type { Policy } from '../../core/settings/policy.ts';
import { fingerprint, standstill, standstillMs } from '../../core/swarm/deadline.ts';
import type { LockNote } from '../../core/swarm/memory.ts';
import type { SwarmService } from '../../core/swarm/model.ts';
import { type Aim, failuresOf, judgeBack, judgeRoll, type Seen } from '../../core/swarm/verdict.ts';
import { formatDuration } from '../../core/text/duration.ts';
import type { Ports } from '../../ports/ports.ts';
import type { PullLogin } from '../../ports/swarm.ts';
import { type Evidence, evidenceOf } from './evidence.ts';
import type { HeldSwarmLock } from './lock.ts';

/** One roll of a service: the data to begin it, to continue it after a crash, and to undo it. */
export interface SwarmRun {
  readonly ports: Ports;
  readonly service: Pick<SwarmService, 'id' | 'name' | 'labels'>;
  readonly note: LockNote;
  readonly policy: Pick<Policy, 'settleMs' | 'healthTimeoutMs'>;
  /** The HEALTHCHECK of the new tasks; undefined: unknown. */
  readonly check: HealthConfig | undefined;
  readonly heldLock: HeldSwarmLock;
  readonly signal: AbortSignal;
}

/** The result of the update. `failed`: the old image is to be restored, by swapctl or by Swarm (`by`). */
export type UpdateEnd =
  | { readonly kind: 'rolled' }
  | {
      readonly kind: 'failed';
      readonly code: 'failed' | 'stuck' | 'interrupted';
      readonly reason: string;
      readonly by: 'swapctl' | 'swarm';
      readonly evidence: Evidence | undefined;
    };

// Two requests each; Swarm's own steps take seconds.
const LOOK_EVERY_MS = 500;

export function aimOf({ note, heldLock }: Pick<SwarmRun, 'note' | 'heldLock'>): Aim {
  return { from: note.from, to: note.to, since: heldLock.lock.config.createdAt };
}

// The time for a daemon to restart, and for managers to elect a leader.
const AWAY_MS = 90_000;

// A single failed answer is not worth a note.
const TRIES_IN_SILENCE = 3;

function away(service: string, why: string): string {
  return `${service}: the manager does not answer (${why}); Swarm goes on by itself, and swapctl asks again for ${formatDuration(AWAY_MS)}`;
}

/** Observes the service, even while its manager restarts. Raises `attention` if the service is gone. */
export async function look({ ports, service }: Pick<SwarmRun, 'ports' | 'service'>): Promise<Seen> {
  const until = ports.clock.monotonic() + AWAY_MS;
  for (let tries = 1; ; tries++) {
    try {
      const [now, tasks] = await Promise.all([ports.swarm.service(service.id), ports.swarm.tasks(service.id)]);
      return { service: now ?? fail('attention', `${service.name} was removed during its roll`), tasks };
    } catch (raised) {
      if (!isFault(raised) || ports.clock.monotonic() > until) throw raised;
      if (tries === TRIES_IN_SILENCE) ports.report({ kind: 'note', text: away(service.name, messageOf(raised)) });
      await ports.clock.sleep(LOOK_EVERY_MS);
    }
  }
}

/** Watches the update until each slot runs the new image for the settle time, or the roll failed. Raises `busy` and `attention`. */
export async function watchUpdate(run: SwarmRun): Promise<UpdateEnd> {
  const { ports, policy, signal } = run;
  const aim = aimOf(run);
  const standing = new Standing(run);
  let evidence: Evidence | undefined;
  let settledAt: number | undefined;
  for (;;) {
    const seen = await look(run);
    const now = ports.clock.monotonic();
    const [first] = failuresOf(seen.tasks, aim);
    if (first && !evidence) evidence = await reportEvidence(run, seen.service, first);
    const verdict = judgeRoll(seen, aim);
    if (verdict.kind === 'failed')
      return { kind: 'failed', code: 'failed', reason: verdict.reason, by: verdict.by, evidence };
    if (verdict.kind === 'taken') return taken(run, verdict.image);
    if (verdict.kind === 'running') {
      settledAt ??= now;
      if (now - settledAt >= policy.settleMs) return { kind: 'rolled' };
      standing.known(`each task runs the new image; swapctl watches them for ${formatDuration(policy.settleMs)}`);
    } else {
      settledAt = undefined;
      if (signal.aborted)
        return { kind: 'failed', code: 'interrupted', reason: 'interrupted', by: 'swapctl', evidence };
      if (verdict.kind === 'waiting') standing.known(verdict.what);
      const stuck = standing.since(seen, now);
      if (stuck !== undefined)
        return {
          kind: 'failed',
          code: 'stuck',
          reason: `${standstill(seen, aim.to)} for ${stuck}`,
          by: 'swapctl',
          evidence,
        };
    }
    await ports.clock.sleep(LOOK_EVERY_MS);
  }
}

/** Watches until each slot runs the old image again. Raises `attention` if that does not happen. */
export async function watchBack(run: SwarmRun): Promise<void> {
  const { ports, note } = run;
  const standing = new Standing(run);
  for (;;) {
    const seen = await look(run);
    const verdict = judgeBack(seen, aimOf(run));
    if (verdict.kind === 'back') return;
    if (verdict.kind === 'taken')
      return notBack(run, `its image is ${verdict.image}, since another process or Swarm changed it`);
    if (verdict.kind === 'stranded') return notBack(run, verdict.reason);
    standing.known(verdict.what);
    const stuck = standing.since(seen, ports.clock.monotonic());
    if (stuck !== undefined) return notBack(run, `${standstill(seen, note.from)} for ${stuck}`);
    await ports.clock.sleep(LOOK_EVERY_MS);
  }
}

function notBack({ service, note }: SwarmRun, why: string): never {
  return fail('attention', `${service.name} could not go back to ${note.from}: ${why}`, {
    hint: `docker service ps ${service.name} shows its tasks; docker service update --image ${note.from} ${service.name} tries again`,
  });
}

const MOST_TRIES = 20;
const MOST_FAULTS = 3;

/** Asks Swarm to change the image, unless it has it already. Raises `busy` if another process changes the service. */
export async function sendImage(run: SwarmRun, from: string, to: string, login?: PullLogin): Promise<void> {
  const { ports, heldLock } = run;
  for (let tries = 1, faults = 0; ; tries++) {
    const { service: now } = await look(run);
    if (faults > 0 && now.image === to) return;
    if (now.image !== from) return taken(run, now.image);
    try {
      await heldLock.confirm();
      return await ports.swarm.setImage(now, to, from === to, login);
    } catch (error) {
      // A change of labels or replicas in between is no reason to give up; the next observation finds a change of the image.
      if (isConflict(error) && tries < MOST_TRIES) continue;
      if (!isFault(error) || from === to) throw error;
      // The managers may elect a leader, for seconds, or have taken the change. Its version keeps it from being made twice.
      const { service: after } = await look(run);
      faults += 1;
      if (faults === MOST_FAULTS && after.image !== to) throw error;
    }
  }
}

function taken({ service }: SwarmRun, image: string): never {
  return fail('busy', `another process changed the image of ${service.name} to ${image} during the roll`, {
    hint: 'swapctl left it to that process; roll again once its update has ended',
  });
}

async function reportEvidence(
  run: SwarmRun,
  service: SwarmService,
  task: Parameters<typeof evidenceOf>[2],
): Promise<Evidence> {
  const { ports } = run;
  const evidence = await evidenceOf(ports, service, task);
  ports.report({ kind: 'note', text: `${evidence.task} failed: ${evidence.reason}` });
  const { health, log } = evidence;
  ports.report({ kind: 'evidence', slot: service.name, container: evidence.task, health: health.slice(-1), log });
  return evidence;
}

/** The time without a change, and the last note about the wait. */
class Standing {
  readonly #run: SwarmRun;
  #last = '';
  #at: number | undefined;
  #said = '';

  constructor(run: SwarmRun) {
    this.#run = run;
  }

  /** Reports the reason of the wait, once. */
  known(what: string): void {
    if (what === this.#said) return;
    this.#said = what;
    this.#run.ports.report({ kind: 'note', text: `${this.#run.service.name}: ${what}` });
  }

  /** The length of the standstill, once it is too long. */
  since(seen: Seen, now: number): string | undefined {
    const print = fingerprint(seen);
    if (this.#at === undefined || print !== this.#last) {
      this.#last = print;
      this.#at = now;
    }
    const limit = standstillMs(seen, this.#run.policy, this.#run.check);
    return now - this.#at > limit ? formatDuration(limit) : undefined;
  }
}
