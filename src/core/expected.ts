import type { Desired, Observed, Replica } from './observed.ts';
import { plan } from './plan.ts';
import type { Step } from './step.ts';
import type { Forward } from './traffic.ts';

// Ids of containers that a dry run only imagines.
const IMAGINED_CANDIDATE = 'imagined-candidate';
const IMAGINED_REHEARSAL = 'imagined-rehearsal';
const IMAGINED_STAND_IN = 'imagined-stand-in';
const MOST_STEPS = 100;

/** The steps that lead to the wish if everything goes well: the planner's own loop on imagined outcomes. */
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
      return { ...seen, candidate: { ...imagined(desired, seen, step.name), way: step.way } };
    case 'recreate-old':
      return {
        ...seen,
        incumbent: {
          ...imagined(desired, seen, step.name),
          id: 'imagined-old',
          imageId: step.image,
          current: false,
          roll: undefined,
        },
      };
    case 'keep-image':
      return { ...seen, incumbentKept: true };
    case 'move-dependents':
      return {
        ...seen,
        dependents: seen.dependents.map((one) => (one.on === step.from ? { ...one, on: step.to } : one)),
      };
    case 'remember-failure': {
      const { container: id, name, roll, reason } = step;
      const failure = {
        id: `failure-of-${id}`,
        name,
        image: desired.image.id,
        digest: desired.image.digest,
        roll,
        code: 'not-healthy' as const,
        reason,
        at: '',
      };
      return { ...seen, failures: [...seen.failures, failure] };
    }
    case 'forget-failure':
      return { ...seen, failures: seen.failures.filter((failure) => failure.id !== step.container) };
    default:
      return withReplicas(seen, step.container, (replica) => changed(replica, step, seen));
  }
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
      return { ...replica, running: true, shut: gated(replica, seen), verdict: { kind: 'waiting', until: 0 } };
    case 'open':
      return { ...replica, shut: false };
    case 'await-healthy':
      return { ...replica, verdict: { kind: 'healthy', since: 0 } };
    case 'settle':
      return { ...replica, settled: true };
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

function gated(replica: Replica, seen: Observed): boolean {
  return (
    seen.gates && replica.id !== seen.incumbent?.id && replica.id !== seen.rehearsal?.id && replica.way !== 'stop-first'
  );
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

// Unlike what it proves, it does not remove itself on exit.
function helper(desired: Desired, seen: Observed, name: string, id: string): Replica {
  return { ...imagined(desired, seen, name), id, way: undefined, autoRemove: false };
}

function imagined(desired: Desired, seen: Observed, name: string): Replica {
  const like = seen.incumbent ?? seen.candidate;
  return {
    id: IMAGINED_CANDIDATE,
    name,
    imageId: desired.image.id,
    current: true,
    running: false,
    starts: 0,
    complete: true,
    verdict: { kind: 'unstarted' },
    settled: false,
    drained: false,
    shut: false,
    missingFiles: [],
    autoRemove: like?.autoRemove ?? false,
    roll: desired.roll,
    replaces: seen.incumbent?.id,
    way: undefined,
    follows: desired.image.follows,
    tagBefore: seen.localTag,
    imageBefore: seen.incumbent?.imageId,
    restart: like?.restart ?? { Name: 'no' },
    held: undefined,
  };
}
