import type { Strategy } from '../model/strategy.ts';
import type { Wanted } from '../proxy/route.ts';
import type { Step, StepKind } from '../rollout/step.ts';
import { reservedName } from '../service/names.ts';

/** The parts of a roll that people follow, each of one or several steps. */
export type RollPhase =
  | 'rehearsal'
  | 'stand-in'
  | 'start'
  | 'healthy'
  | 'switch'
  | 'settle'
  | 'drain'
  | 'replace'
  | 'stop'
  | 'backup'
  | 'retire'
  | 'undo';

/** The phases of each strategy in order. A roll enters each phase at most once, and may enter `undo` from any other. */
export const PHASES: { readonly [W in Strategy]: readonly RollPhase[] } = {
  'start-first': ['start', 'healthy', 'switch', 'settle', 'drain', 'retire', 'undo'],
  handover: ['stand-in', 'switch', 'settle', 'drain', 'replace', 'backup', 'healthy', 'retire', 'undo'],
  'stop-first': ['rehearsal', 'stop', 'backup', 'start', 'healthy', 'settle', 'retire', 'undo'],
};

/** Undefined: the step belongs to the phase that is current when it runs. */
type PhaseOf<K extends StepKind> = (step: Extract<Step, { kind: K }>, strategy: Strategy) => RollPhase | undefined;

const ANY = (): undefined => undefined;
const always =
  <P extends RollPhase>(phase: P) =>
  (): P =>
    phase;

// Complete by type: a new kind of step does not compile until it has an entry here.
const PHASE_OF: { readonly [K in StepKind]: PhaseOf<K> } = {
  'check-start': ANY,
  'create-rehearsal': always('rehearsal'),
  'pass-rehearsal': always('rehearsal'),
  'create-stand-in': always('stand-in'),
  cover: ({ lasting }) => (lasting ? 'replace' : 'switch'),
  uncover: ANY,
  'drop-cover': ANY,
  'point-tag': ANY,
  create: ({ strategy }) => making(strategy),
  'copy-files': ({ name }, strategy) => ofHelper(name) ?? making(strategy),
  'recreate-old': always('undo'),
  start: ({ name }, strategy) => (isOld(name) ? 'undo' : (ofHelper(name) ?? beginning(strategy))),
  open: always('switch'),
  'await-healthy': ({ name }) => (isOld(name) ? 'undo' : (ofHelper(name) ?? 'healthy')),
  settle: ({ name }) => (isRehearsal(name) ? 'rehearsal' : 'settle'),
  'await-engine': always('settle'),
  rename: ({ name, to }, strategy) => (isOld(name) || isNext(to) ? 'undo' : change(strategy)),
  'move-dependents': ANY,
  forward: always('switch'),
  'end-forward': ANY,
  route: ({ wanted }) => (isSwitch(wanted) ? 'switch' : undefined),
  canary: always('switch'),
  share: ({ percent }) => (percent === 0 ? undefined : 'switch'),
  'run-hooks': ANY,
  'keep-image': ANY,
  'hold-restart': (_, strategy) => (strategy === 'start-first' ? undefined : change(strategy)),
  'restore-restart': always('undo'),
  drain: ({ name }) => (isStandIn(name) ? 'retire' : 'drain'),
  stop: ({ name }, strategy) => (isNext(name) ? 'undo' : retires(name, strategy) ? 'retire' : change(strategy)),
  remove: ({ name }) => (isNext(name) ? 'undo' : 'retire'),
  'remember-failure': always('undo'),
  'forget-failure': ANY,
  'back-up': always('backup'),
  'put-back': always('backup'),
  'drop-backup': ANY,
  'drop-copies': ANY,
};

/** The phase of a step in a roll of that strategy, without regard to the steps before it. */
export function phaseOfStep(step: Step, strategy: Strategy): RollPhase | undefined {
  return (PHASE_OF[step.kind] as PhaseOf<StepKind>)(step, strategy);
}

/**
 * The phase of a roll once a step has begun. Phases only move forward: a repeated step does not reopen its phase, and a roll that is
 * being undone stays in `undo`. Undefined until the first step that has a phase.
 */
export function nextPhase(
  now: RollPhase | undefined,
  step: Step,
  strategy: Strategy,
  undoing: boolean,
): RollPhase | undefined {
  const order = PHASES[strategy];
  const wanted = undoing ? 'undo' : phaseOfStep(step, strategy);
  if (wanted === undefined || !order.includes(wanted)) return now;
  return now !== undefined && order.indexOf(wanted) <= order.indexOf(now) ? now : wanted;
}

/** Describes in one line what a phase does or waits for. */
export function describePhase(phase: RollPhase, slot: string, strategy: Strategy): string {
  const described = DESCRIPTIONS[phase];
  return typeof described === 'function' ? described(slot) : (described[strategy] ?? described.other)(slot);
}

type Describe = (slot: string) => string;

const DESCRIPTIONS: {
  readonly [P in RollPhase]: Describe | (Partial<Record<Strategy, Describe>> & { other: Describe });
} = {
  rehearsal: (slot) => `prove the new image while ${slot} serves`,
  'stand-in': (slot) => `start a stand-in for ${slot}, and wait until it is healthy`,
  start: {
    other: (slot) => `create and start the new container of ${slot}`,
    'stop-first': (slot) => `start the new container of ${slot}`,
  },
  healthy: (slot) => `wait until the new container of ${slot} is healthy`,
  switch: {
    other: (slot) => `send new connections of ${slot} to the new container`,
    handover: (slot) => `send new connections of ${slot} to the stand-in`,
  },
  settle: {
    other: (slot) => `watch the new container of ${slot} serve; the old one stays`,
    handover: (slot) => `watch the stand-in serve; the old container of ${slot} stays`,
  },
  drain: (slot) => `wait until the connections of the old container of ${slot} end`,
  replace: (slot) => `stop the old container of ${slot} and start the new one`,
  stop: (slot) => `stop the old container of ${slot}`,
  backup: (slot) => `copy the volumes of ${slot}`,
  retire: {
    other: (slot) => `stop and remove the old container of ${slot}`,
    handover: (slot) => `remove the stand-in and the old container of ${slot}`,
    'stop-first': (slot) => `remove the old container of ${slot}`,
  },
  undo: (slot) => `put ${slot} back as it was`,
};

/** In a handover the new container is created long before it starts, so its creation is not a phase. */
function making(strategy: Strategy): RollPhase | undefined {
  if (strategy === 'handover') return undefined;
  return strategy === 'start-first' ? 'start' : 'stop';
}

function beginning(strategy: Strategy): RollPhase {
  return strategy === 'handover' ? 'replace' : 'start';
}

/** The phase in which the candidate gets the slot name and, except with start-first, the incumbent stops. */
function change(strategy: Strategy): RollPhase {
  if (strategy === 'start-first') return 'switch';
  return strategy === 'handover' ? 'replace' : 'stop';
}

function retires(name: string, strategy: Strategy): boolean {
  return isStandIn(name) || strategy === 'start-first';
}

function isSwitch(wanted: Wanted): boolean {
  return wanted.kind === 'servers' && wanted.servers.some(({ state }) => state === 'draining');
}

function ofHelper(name: string): RollPhase | undefined {
  if (isRehearsal(name)) return 'rehearsal';
  return isStandIn(name) ? 'stand-in' : undefined;
}

function isOld(name: string): boolean {
  return reservedName(name)?.kind === 'old';
}

function isNext(name: string): boolean {
  return reservedName(name)?.kind === 'next';
}

function isRehearsal(name: string): boolean {
  return reservedName(name)?.kind === 'rehearsal';
}

function isStandIn(name: string): boolean {
  return reservedName(name)?.kind === 'stand-in';
}
