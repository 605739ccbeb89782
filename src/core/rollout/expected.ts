import type { AddressRedirect } from '../traffic/routes.ts';
import { servingBeside } from './address-redirect.ts';
import type { Backup, Desired, Failure, Observed, Replica } from './observed.ts';
import { plan } from './plan.ts';
import { sharedRules } from './share.ts';
import type { Step, StepKind, StepOf } from './step.ts';
import { isReturning } from './switch-hooks.ts';

// Placeholder ids for the containers of a simulated roll.
const SIMULATED_CANDIDATE = 'imagined-candidate';
const SIMULATED_REHEARSAL = 'imagined-rehearsal';
const SIMULATED_STAND_IN = 'imagined-stand-in';
const SIMULATED_BACKUP = 'imagined-backup';
const MOST_STEPS = 100;

/** The steps to the desired state if everything goes well: the planner's own loop on simulated results. */
export function expectedSteps(desired: Desired, seen: Observed): Step[] {
  const steps: Step[] = [];
  let world = seen;
  while (steps.length < MOST_STEPS) {
    const decision = plan(desired, world);
    if (decision.kind !== 'act') break;
    steps.push(decision.step);
    world = simulate(desired, world, decision.step);
  }
  return steps;
}

/** The snapshot after a step, if all goes well. */
export function simulate(desired: Desired, seen: Observed, step: Step): Observed {
  return (AFTER[step.kind] as After<StepKind>)(seen, step as never, desired);
}

type After<K extends StepKind> = (seen: Observed, step: StepOf<K>, desired: Desired) => Observed;

// Complete by type: a new kind of step does not compile until it has an entry here.
const AFTER: { readonly [K in StepKind]: After<K> } = {
  'check-start': (seen, { moment }) => ({ ...seen, startChecks: [...seen.startChecks, moment] }),
  'create-rehearsal': (seen, { name }, desired) => ({
    ...seen,
    rehearsal: helper(desired, seen, name, SIMULATED_REHEARSAL),
  }),
  'create-stand-in': (seen, { name }, desired) => ({
    ...seen,
    standIn: helper(desired, seen, name, SIMULATED_STAND_IN),
  }),
  cover: (seen, { lasting }) => ({ ...seen, portRedirect: lasting ? 'lasting' : 'expiring' }),
  uncover: (seen) => ({ ...seen, portRedirect: 'over' }),
  'drop-cover': (seen) => ({ ...seen, portRedirect: 'none' }),
  forward: (seen, step) => ({ ...seen, addressRedirects: addressRedirectsAfter(seen, step) }),
  'end-forward': (seen, step) => ({ ...seen, addressRedirects: addressRedirectsAfter(seen, step) }),
  'pass-rehearsal': (seen) => ({ ...seen, rehearsal: undefined, rehearsed: true }),
  'point-tag': (seen, { image }) => ({ ...seen, taggedImage: image }),
  create: (seen, step, desired) => ({ ...seen, candidate: candidateOf(desired, seen, step) }),
  'recreate-old': (seen, step, desired) => ({ ...seen, incumbent: recreated(desired, seen, step) }),
  'copy-files': replica((one) => ({ ...one, missingFiles: [] })),
  start: afterStart,
  open: afterStart,
  'await-healthy': replica((one) => ({ ...one, verdict: { kind: 'healthy', since: 0 } })),
  settle: replica((one) => ({ ...one, settled: true })),
  'await-engine': replica((one) => ({ ...one, noticed: 'noticed' })),
  rename: replica((one, { to }: StepOf<'rename'>) => ({ ...one, name: to })),
  'move-dependents': (seen, { from, to }) => ({
    ...seen,
    dependents: seen.dependents.map((one) => (one.on === from ? { ...one, on: to } : one)),
  }),
  route: (seen, { wanted }) => {
    const servers = wanted.kind === 'baseline' ? [] : wanted.servers;
    return { ...seen, route: seen.route && { ...seen.route, wanted, servers } };
  },
  canary: (seen, { container }) => ({ ...seen, watched: [...seen.watched, container] }),
  share: (seen, step) =>
    step.percent === 0 ? sharedRules(seen, step) : opened(sharedRules(seen, step), step.container),
  'run-hooks': (seen) => ({ ...seen, hooks: { due: [], failed: undefined } }),
  'keep-image': (seen) => ({ ...seen, incumbentKept: true }),
  'hold-restart': replica((one) => ({ ...one, restart: { Name: 'unless-stopped' }, held: one.held ?? one.restart })),
  'restore-restart': replica((one, _, seen) => ({
    ...one,
    restart: seen.candidate?.restart ?? one.held ?? one.restart,
    held: undefined,
  })),
  drain: replica((one) => ({ ...one, drained: true })),
  stop: replica((one) => (one.autoRemove ? undefined : { ...one, running: false })),
  remove: replica(() => undefined),
  'remember-failure': (seen, step, desired) => ({
    ...seen,
    failures: [...seen.failures, simulatedFailure(desired, step)],
  }),
  'forget-failure': (seen, step) => ({ ...seen, failures: seen.failures.filter(({ name }) => name !== step.name) }),
  'back-up': (seen, step) => ({
    ...seen,
    backups: [simulatedBackup(seen, step), ...seen.backups.filter(({ roll }) => roll !== step.roll)],
  }),
  'put-back': (seen, { backup }) => ({ ...seen, restored: [...seen.restored, backup] }),
  'drop-backup': (seen, { container }) => withoutBackup(seen, container),
  'drop-copies': (seen, { copies }) => ({
    ...seen,
    looseCopies: seen.looseCopies.filter(({ copy }) => !copies.includes(copy)),
  }),
};

type ReplicaStep = Extract<Step, { container: string }>;

/** A step that changes its container alone; undefined: the container is gone afterwards. */
function replica<S extends ReplicaStep>(change: (one: Replica, step: S, seen: Observed) => Replica | undefined) {
  return (seen: Observed, step: S): Observed => withReplicas(seen, step.container, (one) => change(one, step, seen));
}

function recreated(desired: Desired, seen: Observed, step: StepOf<'recreate-old'>): Replica {
  const one = simulated(desired, seen, step.name);
  return { ...one, id: 'imagined-old', imageId: step.image, current: false, roll: undefined };
}

function afterStart(seen: Observed, step: StepOf<'start' | 'open'>): Observed {
  const after = step.kind === 'open' ? opened(seen, step.container) : started(seen, step.container);
  return { ...after, addressRedirects: gateAfter(seen, step), route: reached(seen, step.container) };
}

function opened(seen: Observed, id: string): Observed {
  return withReplicas(seen, id, (one) => ({ ...one, shut: false }));
}

function started(seen: Observed, id: string): Observed {
  const startedAt = later(seen);
  const waiting = { running: true, startedAt, verdict: { kind: 'waiting', until: 0 } } as const;
  return withReplicas(seen, id, (one) => ({ ...one, ...waiting, shut: gated(one, seen) }));
}

// The address is known only once the container runs.
function reached({ route }: Observed, container: string): Observed['route'] {
  return route && { ...route, addresses: { [container]: `${container}:80`, ...route.addresses } };
}

// The gate redirects to the container that serves.
function gateAfter(seen: Observed, { kind, container: from }: StepOf<'start' | 'open'>): readonly AddressRedirect[] {
  const others = seen.addressRedirects.filter((one) => one.from !== from || one.state !== 'leads');
  const started = [seen.candidate, seen.standIn, seen.incumbent].find((one) => one?.id === from);
  const to = servingBeside(seen, from)?.id;
  if (kind === 'open' || !seen.redirectsAddresses || to === undefined || !started || !gated(started, seen))
    return others;
  return [...others, { from, to, state: 'leads' }];
}

function simulatedFailure({ image }: Desired, step: StepOf<'remember-failure'>): Failure {
  const { container, roll, code, reason } = step;
  const { id, digest } = image;
  return { name: `failure-of-${container}`, image: id, digest, roll, code, reason, at: '', tries: 1 };
}

function candidateOf(desired: Desired, seen: Observed, { name, strategy }: StepOf<'create'>): Replica {
  const { volumes, fillFrom } = desired.backup;
  return { ...simulated(desired, seen, name), strategy, saves: volumes, fillFrom };
}

function simulatedBackup(seen: Observed, { roll, volumes }: StepOf<'back-up'>): Backup {
  const copies = volumes.map((volume) => ({ volume, copy: `copy of ${volume}`, bytes: 0, files: 0 }));
  const image = seen.candidate?.imageBefore ?? '';
  return { id: SIMULATED_BACKUP, name: 'the copy', roll, at: '', madeAt: later(seen), image, copies };
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

type AddressRedirectStep = StepOf<'forward' | 'end-forward'>;

function addressRedirectsAfter({ addressRedirects }: Observed, step: AddressRedirectStep): AddressRedirect[] {
  if (step.kind === 'end-forward')
    return addressRedirects.map((one) => (one.from === step.from ? { ...one, state: 'over' as const } : one));
  const others = addressRedirects.filter((one) => one.from !== step.container);
  return [...others, { from: step.container, to: step.to, state: 'leads' }];
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
  return { ...simulated(desired, seen, name), id, strategy: undefined, autoRemove: false };
}

function simulated(desired: Desired, seen: Observed, name: string): Replica {
  const like = seen.incumbent ?? seen.candidate;
  return {
    id: SIMULATED_CANDIDATE,
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
    tagBefore: seen.taggedImage,
    saves: [],
    fillFrom: undefined,
    imageBefore: seen.incumbent?.imageId,
    restart: like?.restart ?? { Name: 'no' },
    held: undefined,
  };
}
