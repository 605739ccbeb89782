// All cells: for each scenario its undisturbed run, and at each of these moments all possible faults.
import assert from 'node:assert/strict';
import type { StepKind } from '../../src/core/rollout/step.ts';
import type { World } from '../lab/world.ts';
import { pooled, type Topic } from './cell.ts';
import { GOINGS, type LoneEngine, type Outage, outageFault, outageFaults, outageMoment, tryOutage } from './daemon.ts';
import { type CallAt, callsOf, callText, type EngineFault, FAULT_NAMES, type FaultName, tryFault } from './faults.ts';
import { faultOf, type Kill, type KillAt, momentsOf } from './kills.ts';
import { type Moment, momentText, STEP_KINDS } from './moments.ts';
import { ACTIONS, type ActionName, isDoable, type Meddling, tryMeddling } from './people.ts';
import type { ScenarioName } from './scenarios.ts';
import type { Cell, Try } from './tries.ts';

/** The names of faults in the table. */
export const FAULTS_OF: Record<Topic, readonly string[]> = {
  kill: (['before', 'after', 'answered'] as const).map((when) => faultOf({ when })),
  engine: FAULT_NAMES,
  people: Object.keys(ACTIONS),
  daemon: [false, true].flatMap(outageFaults),
};

/** The undisturbed course of a scenario. */
export interface Course {
  way: ScenarioName;
  moments: readonly KillAt[];
  calls: readonly CallAt[];
}

/** Runs every scenario undisturbed. */
export async function coursesOf(
  world: World,
  ways: readonly ScenarioName[],
  topics: readonly Topic[],
  atOnce: number,
): Promise<Course[]> {
  const courses: Course[] = [];
  await pooled(ways, atOnce, async (way) => {
    const moments = topics.some((topic) => topic !== 'engine') ? await momentsOf(world, way) : [];
    const calls = topics.includes('engine') ? await callsOf(world, way) : [];
    courses.push({ way, moments, calls });
  });
  return courses.sort((a, b) => ways.indexOf(a.way) - ways.indexOf(b.way));
}

/** Fails unless each kind of step of the planner occurs in some scenario. */
export function assertAllKinds(courses: readonly Course[]): void {
  const met = new Set<StepKind>(courses.flatMap(({ moments }) => moments.filter(isLine).map(({ kind }) => kind)));
  assert.deepEqual(
    STEP_KINDS.filter((kind) => !met.has(kind)),
    [],
    'kinds of steps that no way here has: give test/chaos/scenarios.ts one',
  );
}

/** Every moment at which swapctl can be killed. */
export function everyKill(courses: readonly Course[]): Kill[] {
  return courses.flatMap(({ way, moments }) => moments.map((at) => ({ way, at })));
}

/** Every action of users, before every step. */
export function everyMeddling(courses: readonly Course[]): Meddling[] {
  const actions = Object.keys(ACTIONS) as ActionName[];
  return courses.flatMap(({ way, moments }) => {
    return steps(moments).flatMap((before) =>
      actions.filter((action) => isDoable(way, action)).map((action) => ({ way, action, before })),
    );
  });
}

/** The daemon goes away before every step, stopped and killed. */
export function everyOutage(courses: readonly Course[]): Outage[] {
  return courses.flatMap(({ way, moments }) =>
    steps(moments).flatMap((before) => GOINGS.map((going) => ({ way, going, before }))),
  );
}

/** Each changing call gets every fault; of the many reads, each gets one. */
export function everyFault(courses: readonly Course[]): EngineFault[] {
  return courses.flatMap(({ way, calls }) =>
    calls.flatMap((at, nth) => {
      const faults = at.changes ? FAULT_NAMES : [FAULT_NAMES[nth % FAULT_NAMES.length] as FaultName];
      return faults.map((fault) => ({ way, fault, at }));
    }),
  );
}

export function peopleTry(one: Meddling): Try {
  const cell: Cell = { topic: 'people', way: one.way, fault: one.action, moment: momentText(one.before) };
  const run = async (world: World) => [await tryMeddling(world, one)].filter((tried) => tried !== undefined);
  return { cells: [cell], run };
}

export function faultTry(one: EngineFault): Try {
  const cell: Cell = { topic: 'engine', way: one.way, fault: one.fault, moment: callText(one.at) };
  return { cells: [cell], run: async (world) => [await tryFault(world, one)] };
}

export function outageTry(engine: LoneEngine, one: Outage): Try {
  const cell: Cell = {
    topic: 'daemon',
    way: one.way,
    fault: outageFault(one.going, engine.liveRestore),
    moment: outageMoment(one),
  };
  return { cells: [cell], run: async (world) => [await tryOutage(world, engine, one)] };
}

/** Each step, at its begin. */
function steps(moments: readonly KillAt[]): Moment[] {
  return moments.filter(isLine).filter(({ when }) => when === 'before');
}

export function isLine(at: KillAt): at is Moment {
  return at.when !== 'answered';
}
