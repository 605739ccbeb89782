import type { Forward } from '../traffic/routes.ts';
import { servingBeside } from './forward.ts';
import type { Backup, Desired, Failure, Observed, Replica } from './observed.ts';
import { plan } from './plan.ts';
import { sharedRules } from './share.ts';
import type { Step } from './step.ts';
import { isReturning } from './switch-hooks.ts';

// Placeholder ids for the containers of a simulated roll.
const IMAGINED_CANDIDATE = 'imagined-candidate';
const IMAGINED_REHEARSAL = 'imagined-rehearsal';
const IMAGINED_STAND_IN = 'imagined-stand-in';
const IMAGINED_BACKUP = 'imagined-backup';
const MOST_STEPS = 100;

/** The steps to the desired state if everything goes well: the planner's own loop on simulated results. */
export function expectedSteps(desired: Desired, seen: Observed): Step[] {
  const steps: Step[] = [];
  let world = seen;
  while (steps.length < MOST_STEPS) {
    const decision = plan(desired, world);
    if (decision.kind !== 'act') break;
    steps.push(decision.step);
    world = imagine(desired, world, decision.step);
  }
  return steps;
}

/** The snapshot after a step, if all goes well. */
export function imagine(desired: Desired, seen: Observed, step: Step): Observed {
  switch (step.kind) {
    case 'check-start':
      return { ...seen, startChecks: [...seen.startChecks, step.moment] };
    case 'create-rehearsal':
      return { ...seen, rehearsal: helper(desired, seen, step.name, IMAGINED_REHEARSAL) };
    case 'create-stand-in':
      return { ...seen, standIn: helper(desired, seen, step.name, IMAGINED_STAND_IN) };
    case 'cover':
      return { ...seen, cover: step.lasting ? 'lasting' : 'expiring' };
    case 'uncover':
      return { ...seen, cover: 'over' };
    case 'drop-cover':
      return { ...seen, cover: 'none' };
    case 'forward':
    case 'end-forward':
      return { ...seen, forwarding: forwardsAfter(seen, step) };
    case 'pass-rehearsal':
      return { ...seen, rehearsal: undefined, rehearsed: true };
    case 'point-tag':
      return { ...seen, localTag: step.image };
    case 'create':
      return { ...seen, candidate: candidateOf(desired, seen, step) };
    case 'recreate-old':
      return { ...seen, incumbent: recreated(desired, seen, step) };
    case 'back-up':
    case 'put-back':
    case 'drop-backup':
    case 'drop-copies':
      return afterCopying(seen, step);
    case 'route':
      return afterRoute(seen, step);
    case 'canary':
      return { ...seen, watched: [...seen.watched, step.container] };
    case 'share':
      return step.percent === 0
        ? sharedRules(seen, step)
        : afterReplicaStep(sharedRules(seen, step), { ...step, kind: 'open' });
    case 'run-hooks':
      return { ...seen, hooks: { due: [], failed: undefined } };
    case 'keep-image':
      return { ...seen, incumbentKept: true };
    case 'move-dependents':
      return {
        ...seen,
        dependents: seen.dependents.map((one) => (one.on === step.from ? { ...one, on: step.to } : one)),
      };
    case 'remember-failure':
      return { ...seen, failures: [...seen.failures, imaginedFailure(desired, step)] };
    case 'forget-failure':
      return { ...seen, failures: seen.failures.filter(({ name }) => name !== step.name) };
    case 'start':
    case 'open':
      return afterStart(seen, step);
    default:
      return afterReplicaStep(seen, step);
  }
}

function recreated(desired: Desired, seen: Observed, step: Extract<Step, { kind: 'recreate-old' }>): Replica {
  const one = imagined(desired, seen, step.name);
  return { ...one, id: 'imagined-old', imageId: step.image, current: false, roll: undefined };
}

function afterRoute(seen: Observed, { wanted }: Extract<Step, { kind: 'route' }>): Observed {
  const servers = wanted.kind === 'baseline' ? [] : wanted.servers;
  return { ...seen, route: seen.route && { ...seen.route, wanted, servers } };
}

function afterStart(seen: Observed, step: Extract<Step, { kind: 'start' | 'open' }>): Observed {
  const forwarding = gateAfter(seen, step);
  return { ...afterReplicaStep(seen, step), forwarding, route: reached(seen, step.container) };
}

// The address is known only once the container runs.
function reached({ route }: Observed, container: string): Observed['route'] {
  return route && { ...route, addresses: { [container]: `${container}:80`, ...route.addresses } };
}

function afterReplicaStep(seen: Observed, step: ReplicaStep): Observed {
  return withReplicas(seen, step.container, (replica) => changed(replica, step, seen));
}

// The gate redirects to the container that serves.
function gateAfter(
  seen: Observed,
  { kind, container: from }: Extract<Step, { kind: 'start' | 'open' }>,
): readonly Forward[] {
  const others = seen.forwarding.filter((one) => one.from !== from || one.state !== 'leads');
  const started = [seen.candidate, seen.standIn, seen.incumbent].find((one) => one?.id === from);
  const to = servingBeside(seen, from)?.id;
  if (kind === 'open' || !seen.forwards || to === undefined || !started || !gated(started, seen)) return others;
  return [...others, { from, to, state: 'leads' }];
}

function imaginedFailure({ image }: Desired, step: Extract<Step, { kind: 'remember-failure' }>): Failure {
  const { container, roll, code, reason } = step;
  const { id, digest } = image;
  return { name: `failure-of-${container}`, image: id, digest, roll, code, reason, at: '', tries: 1 };
}

type CopyingStep = Extract<Step, { kind: 'back-up' | 'put-back' | 'drop-backup' | 'drop-copies' }>;

function afterCopying(seen: Observed, step: CopyingStep): Observed {
  switch (step.kind) {
    case 'back-up':
      return {
        ...seen,
        backups: [imaginedBackup(seen, step), ...seen.backups.filter(({ roll }) => roll !== step.roll)],
      };
    case 'put-back':
      return { ...seen, putBack: [...seen.putBack, step.backup] };
    case 'drop-backup':
      return withoutBackup(seen, step.container);
    case 'drop-copies':
      return { ...seen, looseCopies: seen.looseCopies.filter(({ copy }) => !step.copies.includes(copy)) };
  }
}

function candidateOf(desired: Desired, seen: Observed, { name, strategy }: Extract<Step, { kind: 'create' }>): Replica {
  const { volumes, fillFrom } = desired.backup;
  return { ...imagined(desired, seen, name), strategy, saves: volumes, fillFrom };
}

function imaginedBackup(seen: Observed, { roll, volumes }: Extract<Step, { kind: 'back-up' }>): Backup {
  const copies = volumes.map((volume) => ({ volume, copy: `copy of ${volume}`, bytes: 0, files: 0 }));
  const image = seen.candidate?.imageBefore ?? '';
  return { id: IMAGINED_BACKUP, name: 'the copy', roll, at: '', madeAt: later(seen), image, copies };
}

// A time after every known event.
function later({ incumbent, candidate, backups }: Observed): number {
  const times = [incumbent?.startedAt, candidate?.startedAt, ...backups.map(({ madeAt }) => madeAt)];
  return Math.max(...times.map((time) => time ?? 0)) + 1;
}

function withoutBackup(seen: Observed, id: string): Observed {
  return {
    ...seen,
    backups: seen.backups.filter((backup) => backup.id !== id),
    halfCopied: seen.halfCopied?.id === id ? undefined : seen.halfCopied,
  };
}

type ForwardStep = Extract<Step, { kind: 'forward' | 'end-forward' }>;

function forwardsAfter({ forwarding }: Observed, step: ForwardStep): Forward[] {
  if (step.kind === 'end-forward')
    return forwarding.map((one) => (one.from === step.from ? { ...one, state: 'over' as const } : one));
  const others = forwarding.filter((one) => one.from !== step.container);
  return [...others, { from: step.container, to: step.to, state: 'leads' }];
}

type ReplicaStep = Extract<Step, { container: string }>;

function changed(replica: Replica, step: ReplicaStep, seen: Observed): Replica | undefined {
  switch (step.kind) {
    case 'copy-files':
      return { ...replica, missingFiles: [] };
    case 'start':
      return {
        ...replica,
        running: true,
        startedAt: later(seen),
        shut: gated(replica, seen),
        verdict: { kind: 'waiting', until: 0 },
      };
    case 'open':
      return { ...replica, shut: false };
    case 'await-healthy':
      return { ...replica, verdict: { kind: 'healthy', since: 0 } };
    case 'settle':
      return { ...replica, settled: true };
    case 'await-engine':
      return { ...replica, noticed: 'noticed' };
    case 'rename':
      return { ...replica, name: step.to };
    case 'hold-restart':
      return { ...replica, restart: { Name: 'unless-stopped' }, held: replica.held ?? replica.restart };
    case 'restore-restart':
      return {
        ...replica,
        restart: seen.candidate?.restart ?? replica.held ?? replica.restart,
        held: undefined,
      };
    case 'drain':
      return { ...replica, drained: true };
    case 'stop':
      return replica.autoRemove ? undefined : { ...replica, running: false };
    case 'remove':
      return undefined;
    default:
      return replica;
  }
}

function gated({ id, strategy }: Replica, seen: Observed): boolean {
  if (!seen.gates || id === seen.rehearsal?.id) return false;
  return id === seen.incumbent?.id ? isReturning(seen, id) : strategy !== 'stop-first';
}

function withReplicas(seen: Observed, id: string, change: (replica: Replica) => Replica | undefined): Observed {
  const apply = (replica: Replica | undefined): Replica | undefined => (replica?.id === id ? change(replica) : replica);
  return {
    ...seen,
    incumbent: apply(seen.incumbent),
    candidate: apply(seen.candidate),
    rehearsal: apply(seen.rehearsal),
    standIn: apply(seen.standIn),
  };
}

// Unlike the container that it proves, a rehearsal does not remove itself on exit.
function helper(desired: Desired, seen: Observed, name: string, id: string): Replica {
  return { ...imagined(desired, seen, name), id, strategy: undefined, autoRemove: false };
}

function imagined(desired: Desired, seen: Observed, name: string): Replica {
  const like = seen.incumbent ?? seen.candidate;
  return {
    id: IMAGINED_CANDIDATE,
    name,
    imageId: desired.image.id,
    current: true,
    running: false,
    startedAt: 0,
    starts: 0,
    complete: true,
    verdict: { kind: 'unstarted' },
    settled: false,
    noticed: like?.noticed === 'none' ? 'none' : 'waiting',
    verdictWithinMs: like?.verdictWithinMs ?? 0,
    drained: false,
    shut: false,
    missingFiles: [],
    autoRemove: like?.autoRemove ?? false,
    roll: desired.roll,
    replaces: seen.incumbent?.id,
    strategy: undefined,
    follows: desired.image.follows,
    tagBefore: seen.localTag,
    saves: [],
    fillFrom: undefined,
    imageBefore: seen.incumbent?.imageId,
    restart: like?.restart ?? { Name: 'no' },
    held: undefined,
  };
}
