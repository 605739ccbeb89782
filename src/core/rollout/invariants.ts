import { isImageId } from '../model/reference.ts';
import { succeeds } from '../service/slot.ts';
import { isAnyActive } from '../traffic/routes.ts';
import { answers as answersItself } from './address-redirect.ts';
import { backupOf, volumesBack } from './backup.ts';
import { comesBack, type Observed, type Replica } from './observed.ts';
import { routeHarm } from './route.ts';
import type { Step, StepKind, StepOf } from './step.ts';

/**
 * swapctl's guarantee as checks: the harm that a step would do, given the snapshot that it was planned from. The tests check the
 * planner with it, and a runner can check each step before it executes.
 */
export function violation(seen: Observed, step: Step): string | undefined {
  for (const rule of [strangers, ...(RULES[step.kind] as readonly Rule<StepKind>[])]) {
    const broken = rule(seen, step as never);
    if (broken !== undefined) return `${step.kind}: ${broken}`;
  }
  return undefined;
}

type Rule<K extends StepKind> = (seen: Observed, step: StepOf<K>) => string | undefined;

// Complete by type: a new kind of step does not compile until it says which rules hold for it.
const RULES: { readonly [K in StepKind]: readonly Rule<K>[] } = {
  'check-start': [],
  'create-rehearsal': [crowds],
  'create-stand-in': [crowds],
  cover: [impostors, deadEnds],
  uncover: [deadEnds],
  'drop-cover': [deadEnds],
  'pass-rehearsal': [],
  'point-tag': [],
  create: [crowds],
  'copy-files': [],
  'recreate-old': [crowds],
  start: [impostors, crowds, lostData, routeHarm],
  open: [],
  'await-healthy': [],
  settle: [],
  'await-engine': [],
  rename: [impostors, unprovenSuccession],
  'move-dependents': [],
  forward: [impostors, deadEnds],
  'end-forward': [],
  route: [routeHarm],
  canary: [],
  share: [impostors, deadEnds],
  'run-hooks': [unprovenSuccession],
  'keep-image': [],
  'hold-restart': [impostors],
  'restore-restart': [],
  drain: [],
  stop: [impostors, gaps, comebacks, deadEnds, unprovenSuccession, routeHarm],
  remove: [impostors, gaps, deadEnds, hastyCleanup, routeHarm],
  'remember-failure': [],
  'forget-failure': [],
  'back-up': [lostData],
  'put-back': [impostors, lostData],
  'drop-backup': [lostData],
  'drop-copies': [lostData],
};

/** The fault in a slot for which the planner sees nothing left to do. */
export function unrest(seen: Observed): string | undefined {
  const helper = seen.rehearsal ?? seen.standIn ?? seen.halfCopied;
  if (helper) return `${helper.name} was left behind`;
  if (seen.addressRedirects.some((one) => one.state === 'leads'))
    return 'connections are still led from one container to another';
  if (seen.portRedirect !== 'none') return 'the ports are still redirected to a stand-in';
  if (seen.route && seen.route.wanted.kind !== 'baseline') return 'a proxy does not act by its own configuration';
  const members = replicas(seen);
  if (members.length !== 1) return `${members.length} containers are left, not one`;
  if (members[0]?.shut) return 'the container that is left can not be reached';
  return members[0]?.name === seen.names.slotName
    ? undefined
    : `the container that is left is called ${members[0]?.name}`;
}

function strangers(seen: Observed, step: Step): string | undefined {
  if (step.kind === 'forget-failure')
    return seen.failures.some(({ name }) => name === step.name) ? undefined : `${step.name} is not of this slot`;
  if (!('container' in step)) return undefined;
  const known = [...replicas(seen), ...seen.backups, seen.rehearsal, seen.standIn, seen.halfCopied];
  return known.some((one) => one?.id === step.container) ? undefined : `${step.container} is not of this slot`;
}

// A candidate that was made to replace another container than the incumbent must not change the slot.
function impostors({ incumbent, candidate }: Observed): string | undefined {
  if (!incumbent || !candidate || succeeds(candidate, incumbent)) return undefined;
  return `${candidate.name} was not made to take the place of ${incumbent.name}`;
}

/** The harm of a step that moves a tag; undefined if there is none: a tag may only move to an image by its id. */
export function tagHarm(step: Step): string | undefined {
  if (step.kind !== 'point-tag' && step.kind !== 'keep-image') return undefined;
  return isImageId(step.image) ? undefined : `${step.kind}: ${step.image} is no id of an image`;
}

// A slot has at most two replicas, and a rehearsal beside the incumbent; exclusive ones never run at once.
function crowds(
  seen: Observed,
  step: StepOf<'create' | 'create-rehearsal' | 'create-stand-in' | 'recreate-old' | 'start'>,
): string | undefined {
  const { incumbent, candidate } = seen;
  switch (step.kind) {
    case 'create':
      return (candidate ?? seen.rehearsal)
        ? 'there is a new container already'
        : missing(incumbent, 'the old container');
    case 'create-rehearsal':
    case 'create-stand-in':
      return (candidate ?? seen.rehearsal ?? seen.standIn)
        ? 'there is a new container already'
        : missing(incumbent, 'the old container');
    case 'recreate-old':
      return incumbent ? 'the old container is still there' : missing(candidate, 'the new container');
    case 'start':
      return overlaps(seen, step.container) ? 'the other container holds what it needs' : undefined;
  }
}

// The only permitted gap is between stop and start, if the two can't run at once; a stand-in closes it.
function gaps(seen: Observed, step: StepOf<'stop' | 'remove'>): string | undefined {
  const running = replicas(seen).filter((one) => one.running);
  if (running.length !== 1 || running[0]?.id !== step.container) return undefined;
  const makesRoom = step.kind === 'stop' && seen.incumbent && seen.candidate && isExclusive(seen);
  if (!makesRoom) return 'nothing would run any more';
  return answers(seen) && seen.portRedirect !== 'lasting' ? 'the stand-in does not answer for it' : undefined;
}

// An incumbent that the engine restarts by itself would take its successor's place, or write beside it.
function comebacks({ incumbent }: Observed, step: StepOf<'stop'>): string | undefined {
  return incumbent && step.container === incumbent.id && comesBack(incumbent)
    ? 'the engine would start it again when it starts itself'
    : undefined;
}

// Remove the redirects before the stand-in that they lead to.
function deadEnds(
  seen: Observed,
  step: StepOf<'cover' | 'uncover' | 'drop-cover' | 'forward' | 'share' | 'stop' | 'remove'>,
): string | undefined {
  const { standIn } = seen;
  if (step.kind === 'forward') {
    const to = [...replicas(seen), standIn].find((one) => one?.id === step.to);
    return to && answersItself(to) ? undefined : 'what they are led to is not healthy';
  }
  if (step.kind === 'share') return unshared(seen, step);
  if (step.kind === 'cover') return answers(seen) ? undefined : 'the stand-in is not healthy';
  if (step.kind === 'uncover' || step.kind === 'drop-cover') {
    if (step.kind === 'drop-cover' && !isAnyActive(seen.portRedirect)) return undefined;
    // A stopped container under its own name, without a candidate, was stopped by a user.
    const wanted = seen.candidate !== undefined || seen.incumbent?.name !== seen.names.slotName;
    const alone = answers(seen) && !replicas(seen).some((one) => one.running);
    return alone && wanted ? 'nobody else answers' : undefined;
  }
  if (isRedirectedTo(seen, step.container)) return 'connections are led to it';
  if (step.container !== standIn?.id) return undefined;
  if (isAnyActive(seen.portRedirect)) return 'the ports are led to it';
  return step.kind === 'remove' && seen.portRedirect !== 'none' ? 'its rules are still there' : undefined;
}

// A fresh container is behind the gate until it gets its share.
function unshared({ incumbent, candidate, standIn }: Observed, step: StepOf<'share'>): string | undefined {
  if (incumbent?.id !== step.from || !incumbent.running) return 'nobody would get the other connections';
  if (step.percent === 0) return undefined;
  const young = [candidate, standIn].find((one) => one?.id === step.container);
  return young?.running && young.verdict.kind === 'healthy' ? undefined : 'the new container is not healthy';
}

// The incumbent stops, and gives up its name, only for a healthy candidate, or to make room for one.
function unprovenSuccession(seen: Observed, step: StepOf<'stop' | 'rename' | 'run-hooks'>): string | undefined {
  const { incumbent, candidate, names } = seen;
  const makesRoom = isExclusive(seen) && candidate?.complete && candidate.verdict.kind === 'unstarted';
  const proven = candidate !== undefined && answersItself(candidate);
  if (step.kind === 'stop' && step.container === incumbent?.id) {
    const tookOver = proven && candidate?.settled && candidate.name === names.slotName;
    if (!tookOver && !makesRoom) return 'the old container has no proven successor';
    return candidate?.strategy !== 'handover' || tookOver || answers(seen) ? undefined : 'nobody answers for it';
  }
  if (step.kind === 'run-hooks')
    return proven && candidate?.name === names.slotName ? undefined : 'the new container does not serve yet';
  const leaves = step.kind === 'rename' && step.container === incumbent?.id && incumbent.name === names.slotName;
  const arrives = step.kind === 'rename' && step.container === candidate?.id && step.to === names.slotName;
  return (leaves || arrives) && !proven && !makesRoom ? 'the name would go to an unproven container' : undefined;
}

function isRedirectedTo({ addressRedirects }: Observed, container: string): boolean {
  return addressRedirects.some((one) => one.to === container && one.state === 'leads');
}

function hastyCleanup(seen: Observed, step: StepOf<'remove'>): string | undefined {
  const { incumbent, candidate, names } = seen;
  if (step.container === incumbent?.id) {
    if (incumbent.running) return 'the old container still runs';
    if (!candidate?.settled || candidate.name !== names.slotName) return 'the old container has no proven successor';
    return seen.incumbentKept ? undefined : 'the image of the incumbent is not retained';
  }
  if (step.container !== candidate?.id) return undefined;
  if (candidate.roll === undefined) return 'swapctl did not make it';
  return incumbent?.running && incumbent.name === names.slotName
    ? undefined
    : 'the old container does not serve again yet';
}

// Volumes are backed up before the candidate can change them, restored before the incumbent continues, and never lost in between.
function lostData(
  seen: Observed,
  step: StepOf<'back-up' | 'start' | 'put-back' | 'drop-backup' | 'drop-copies'>,
): string | undefined {
  const { incumbent, candidate } = seen;
  const running = replicas(seen).some((one) => one.running);
  const saved = candidate && (candidate.saves.length === 0 || backupOf(seen, candidate) !== undefined);
  switch (step.kind) {
    case 'back-up':
      return running ? 'a running container may write meanwhile' : undefined;
    case 'start':
      if (step.container === candidate?.id) return saved ? undefined : 'the volumes are not copied yet';
      if (step.container !== incumbent?.id || incumbent.running) return undefined;
      return volumesBack(seen, incumbent, candidate) ? 'its volumes are not restored yet' : undefined;
    case 'put-back':
      if (running) return 'a running container may read or write meanwhile';
      return saved || seen.backups.some((one) => one.id === step.backup && one.madeAt > (incumbent?.startedAt ?? 0))
        ? undefined
        : 'what is in the volumes now is in no copy';
    case 'drop-backup':
      if (step.container === seen.halfCopied?.id) return undefined;
      if (!running) return 'nobody serves, so it may be needed';
      return candidate && incumbent && seen.backups.some((one) => one.id === step.container)
        ? 'the roll is not over yet'
        : undefined;
    case 'drop-copies':
      return running ? undefined : 'nobody serves, so they may be needed';
  }
}

function overlaps(seen: Observed, starting: string): boolean {
  const pair = replicas(seen);
  return (
    isExclusive(seen) &&
    pair.some((one) => one.id === starting) &&
    pair.some((one) => one.id !== starting && one.running)
  );
}

function answers({ standIn }: Observed): boolean {
  return standIn?.running === true && standIn.verdict.kind === 'healthy';
}

// Without a label for the strategy, assume the careful one.
function isExclusive(seen: Observed): boolean {
  return seen.candidate !== undefined && seen.candidate.strategy !== 'start-first';
}

function replicas(seen: Observed): Replica[] {
  return [seen.incumbent, seen.candidate].filter((one) => one !== undefined);
}

function missing(one: Replica | undefined, what: string): string | undefined {
  return one ? undefined : `${what} is gone`;
}
