// The short form of npm run test:chaos: swapctl is killed at every kind of step, the engine fails, users interfere, each at a few moments
// of the scenarios; one container per slot is left, and every report is true.
import assert from 'node:assert/strict';
import test from 'node:test';
import { AT_ONCE, assertAllSafe, tryAll } from '../../chaos/all-safe.ts';
import type { Tried } from '../../chaos/cell.ts';
import { type CallAt, callText, type EngineFault, FAULT_NAMES, type FaultName } from '../../chaos/faults.ts';
import { type Kill, THENS } from '../../chaos/kills.ts';
import {
  assertAllKinds,
  type Course,
  coursesOf,
  everyKill,
  everyMeddling,
  faultTry,
  isLine,
  peopleTry,
} from '../../chaos/matrix.ts';
import { momentText, STEP_KINDS } from '../../chaos/moments.ts';
import type { Meddling } from '../../chaos/people.ts';
import { SCENARIO_NAMES, type ScenarioName, SHORT_WAYS } from '../../chaos/scenarios.ts';
import { killTries } from '../../chaos/tries.ts';
import { testWorld, type World } from '../../lab/world.ts';

let made: Promise<Course[]> | undefined;

/** Every scenario without a fault, once for all tests here. */
function undisturbed(world: World): Promise<Course[]> {
  made ??= coursesOf(world, SHORT_WAYS, ['kill'], AT_ONCE);
  return made;
}

test('a swapctl that is killed at any kind of step loses nothing', async (t) => {
  const world = testWorld(t);
  const courses = await undisturbed(world);
  assertAllKinds(courses);
  assertAllSafe(t, await killed(world, oneOfEachKind(courses)));
});

test('a swapctl that is killed at any change of a route loses nothing, behind each kind of proxy', {
  skip: process.env.SWAPCTL_TEST_LONG !== '1' && 'takes minutes: SWAPCTL_TEST_LONG=1',
}, async (t) => {
  const world = testWorld(t);
  const ways = SCENARIO_NAMES.filter((way) => way.startsWith('told'));
  const courses = await coursesOf(world, ways, ['kill'], AT_ONCE);
  const kills = everyKill(courses).filter(({ at }) => isLine(at) && at.kind === 'route');
  for (const way of ways)
    assert.ok(
      kills.some((kill) => kill.way === way),
      `${way} changes a route`,
    );
  assertAllSafe(t, await killed(world, kills));
});

test('an engine that fails in the middle of a roll leaves the old version or the new one, and the report is true', async (t) => {
  const world = testWorld(t);
  const courses = await coursesOf(world, ['start-first', 'rehearsed', 'handover'], ['engine'], AT_ONCE);
  await tryAll(t, world, courses.flatMap(someFaults).map(faultTry));
});

test('whatever people do in the middle of a roll, it ends safely and says so', async (t) => {
  const world = testWorld(t);
  const all = everyMeddling(await undisturbed(world));
  await tryAll(t, world, MEDDLING.map((line) => meant(all, line)).map(peopleTry));
});

/** Kills, and after each of them by turns one of the next things to happen. */
async function killed(world: World, kills: readonly Kill[]): Promise<Tried[]> {
  const tried: Tried[] = [];
  for (const [at, then] of THENS.entries()) {
    const some = kills.filter((_, nth) => nth % THENS.length === at);
    for (const one of killTries(some, then, AT_ONCE)) tried.push(...(await one.run(world)));
  }
  return tried;
}

/** A kill for each kind of step, in all of the ways by turns, before and after it. */
function oneOfEachKind(courses: readonly Course[]): Kill[] {
  const all = everyKill(courses);
  return STEP_KINDS.map((kind, at) => {
    const same = all.filter((kill) => isLine(kill.at) && kill.at.kind === kind);
    return same[(at * 7) % same.length] ?? assert.fail(`no way meets ${kind}`);
  });
}

/** Each kind of changing call, and a few reads, with one fault after the other. */
function someFaults({ way, calls }: Course): EngineFault[] {
  const isFirst = ({ what }: CallAt, at: number) => calls.findIndex((one) => one.what === what) === at;
  const some = calls.filter(
    (call, at) => (call.changes ? call.nth <= 2 : isFirst(call, at)) && !callText(call).includes('exec'),
  );
  return everyThird(some, SHIFT.indexOf(way)).map((at, nth) => ({
    way,
    fault: FAULT_NAMES[(nth + SHIFT.indexOf(way)) % FAULT_NAMES.length] as FaultName,
    at,
  }));
}

function everyThird<T>(items: readonly T[], from: number): T[] {
  return items.filter((_, at) => at % 3 === from);
}

const SHIFT: readonly ScenarioName[] = ['start-first', 'rehearsed', 'handover'];

const MEDDLING: readonly [ScenarioName, Meddling['action'], string][] = [
  ['start-first', 'old one stopped', 'open#1'],
  ['start-first', 'old one removed', 'rename#1'],
  ['start-first', 'new one stopped', 'drain#1'],
  ['start-first', 'old one renamed', 'rename#2'],
  ['start-first', 'new one removed', 'stop#1'],
  ['start-first', 'old one paused', 'forward#1'],
  ['rehearsed', 'old one removed', 'start#2'],
  ['rehearsed', 'another roll', 'start#2'],
  ['stop-first', 'new one removed', 'remove#1'],
  ['handover', 'new one removed', 'keep-image#1'],
  ['handover', 'old one removed', 'forward#2'],
  ['handover', 'images pruned', 'create#1'],
  ['compose', 'new one renamed', 'copy-files#1'],
  ['compose', 'compose up -d', 'rename#1'],
  ['compose', 'compose down', 'rename#2'],
  ['rollback', 'new one stopped', 'drain#1'],
  ['scaled', 'new one paused', 'start#2'],
  ['dependents', 'old one removed', 'rename#2'],
  ['bad image', 'old one stopped', 'remove#1'],
  ['--rm', 'new one stopped', 'await-healthy#1'],
];

function meant(all: readonly Meddling[], [way, action, step]: (typeof MEDDLING)[number]): Meddling {
  const found = all.find(
    (one) => one.way === way && one.action === action && momentText(one.before) === `before ${step}`,
  );
  return found ?? assert.fail(`${way} has no ${step}`);
}
