// One cell: one fault at one call of one roll, the report of swapctl, its recovery, and one more roll.
import assert from 'node:assert/strict';
import type { ServiceReport } from '../../src/core/report/report.ts';
import { pruneContainers } from '../memory/containers.ts';
import type { CallMade, Death, Failure, Process } from '../memory/process.ts';
import {
  assertAnswered,
  assertAnsweredAtEach,
  assertSafe,
  assertSound,
  assertTrue,
  assertTrueMeanwhile,
  hasStray,
  imagesOf,
  storyOf,
} from './checks.ts';
import { type ActionName, doAction, isHarm, outage } from './people.ts';
import { BAD_ENDS, goesBack, hasGap, SETUPS, type Setup, type SetupName } from './setups.ts';
import { command, INTERVAL_MS, recovered, rollAgain, type Stage, stageOf } from './stage.ts';

export type Recovery = 'recover' | 'roll' | 'waiting';

/** The fault just before, at, or after the `at`th call of the process (from 1). */
export type Trouble =
  | {
      readonly kind: 'kill';
      readonly at: number;
      readonly when: Death;
      readonly by: Recovery;
      /** The calls at which recoveries are killed, too, one after the other. */
      readonly again?: readonly number[];
    }
  | { readonly kind: 'fault'; readonly at: number; readonly how: Failure }
  | { readonly kind: 'person'; readonly at: number; readonly action: ActionName }
  | {
      readonly kind: 'daemon';
      readonly at: number;
      readonly going: 'stopped' | 'killed';
      readonly liveRestore: boolean;
    }
  | { readonly kind: 'interrupt'; readonly at: number };

export interface Cell {
  readonly setup: SetupName;
  readonly trouble: Trouble;
  /** Cells with the same value leave the same machine behind, so they have the same end. */
  readonly leaves?: string;
}

export type Result = { readonly safe: true; readonly outcome: string } | { readonly safe: false; readonly why: string };

// More than any undisturbed run makes.
const MOST_CALLS = 800;

/** The calls of an undisturbed run; `look` is called before each. Fails unless it ends where the setup ends. */
export async function courseOf(setup: Setup, look?: (stage: Stage) => void): Promise<readonly CallMade[]> {
  const stage = await stageOf(setup);
  const process = stage.open();
  if (look) for (let at = 1; at <= MOST_CALLS; at++) process.before(undefined, at, () => look(stage));
  const report = await command(stage, process);
  if (report === 'died') return assert.fail('nothing happened to it, and it died');
  assertTrue(stage, report);
  assert.equal(report.outcome, undisturbed(setup), `${JSON.stringify(report)}\n${storyOf(process)}`);
  assertAnswered(stage, report);
  assertAnsweredAtEach(stage);
  assert.equal(assertSafe(stage, { memories: mayRemember(setup) }), endOf(stage), storyOf(process));
  assert.ok(process.calls.length < MOST_CALLS);
  await assertNotTriedAgain(stage);
  return [...process.calls];
}

// A container with --rm leaves no record; one that can't start is not blamed. A prune in between changes nothing.
async function assertNotTriedAgain(stage: Stage): Promise<void> {
  const { bad, autoRemove } = stage.setup;
  if (!bad || bad === 'missing' || bad === 'hook' || autoRemove) return;
  pruneContainers(stage.machine);
  const report = await rollAgain(stage, stage.open());
  assert.match(JSON.stringify(report), /"code":"(known-bad|busy)"/, 'an image that failed is not tried again');
}

function undisturbed(setup: Setup): ServiceReport['outcome'] {
  if (goesBack(setup)) return 'rolled-back';
  return setup.bad ? 'failed' : 'rolled';
}

function endOf({ setup, from, to }: Stage): string {
  return setup.bad ? from : to;
}

// A rollback records the image that it leaves.
function mayRemember(setup: Setup): boolean {
  return setup.bad !== undefined || setup.remembered || goesBack(setup);
}

/** Tries a cell. */
export async function tryCell({ setup, trouble }: Cell): Promise<Result> {
  return trySetup(SETUPS[setup], trouble);
}

export async function trySetup(setup: Setup, trouble: Trouble): Promise<Result> {
  const stage = await stageOf(setup);
  const process = stage.open();
  try {
    return { safe: true, outcome: await endure(stage, process, trouble) };
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { safe: false, why: `${why}\n${storyOf(process)}` };
  }
}

function endure(stage: Stage, process: Process, trouble: Trouble): Promise<string> {
  switch (trouble.kind) {
    case 'kill':
      return killed(stage, process, trouble);
    case 'fault':
      return faulted(stage, process, trouble);
    case 'interrupt':
      return interrupted(stage, process, trouble.at);
    case 'person':
      return meddled(stage, process, trouble);
    case 'daemon':
      return away(stage, process, trouble);
  }
}

async function killed(
  stage: Stage,
  process: Process,
  { at, when, by, again = [] }: Extract<Trouble, { kind: 'kill' }>,
): Promise<string> {
  process.crashAt(undefined, at, when);
  const report = await command(stage, process);
  if (report !== 'died') return 'not met';
  const { machine } = stage;
  // A process takes a moment to start.
  await machine.clock.run(machine.clock.sleep(by === 'waiting' ? 60_000 : START_MS));
  assertAnswered(stage, undefined);
  for (const next of again) await killedRecovery(stage, next);
  const outcome = by === 'roll' ? await secondRoll(stage) : await recovery(stage);
  assertAnswered(stage, undefined);
  const image = assertSafe(stage, { memories: mayRemember(stage.setup), soon: true });
  if (by === 'roll' && !goesBack(stage.setup)) assert.equal(image, endOf(stage), outcome);
  await assertConverges(stage);
  return outcome;
}

// The time for swapctl to start, containers to answer, and rules of dead processes to end.
const START_MS = 100;
const READY_MS = 300;
const RULES_LAST_MS = 15_000;

// A proxy routes to a restarted container once the engine calls it healthy.
async function readyAgain({ machine: { clock }, setup }: Stage): Promise<void> {
  await clock.run(clock.sleep(setup.proxied ? READY_MS + INTERVAL_MS : READY_MS));
}

async function recovery(stage: Stage, attentionWillDo = false): Promise<string> {
  const process = stage.open();
  const items = await recovered(stage, process);
  for (const { outcome, error } of items) {
    const fine = outcome !== 'failed' && outcome !== 'busy';
    assert.ok(
      fine || (attentionWillDo && error?.code === 'attention'),
      `recover: ${outcome} ${JSON.stringify(error)}\n${storyOf(process)}`,
    );
  }
  // A restarted container answers soon.
  await readyAgain(stage);
  return [...new Set(items.map(({ outcome }) => outcome))].join(' and ') || 'nothing to do';
}

async function killedRecovery(stage: Stage, at: number): Promise<void> {
  const process = stage.open();
  process.crashAt(undefined, at, 'after');
  const { clock } = stage.machine;
  await clock.run(process.run((app) => app.recover([], new AbortController().signal)));
  process.kill();
  await clock.run(clock.sleep(START_MS));
}

async function secondRoll(stage: Stage): Promise<string> {
  const process = stage.open();
  const report = await rollAgain(stage, process);
  if (report === 'died') return assert.fail('the second roll died');
  const said = report.error?.code ?? report.outcome;
  const meant = stage.setup.bad && !goesBack(stage.setup) ? BAD_ENDS : /^(rolled|unchanged)$/;
  const back = goesBack(stage.setup) && said === 'known-bad';
  assert.ok(meant.test(said) || back, `the next roll: ${JSON.stringify(report)}\n${storyOf(process)}`);
  await readyAgain(stage);
  return said;
}

// One undisturbed roll succeeds, and after that there is no work left.
async function assertConverges(
  stage: Stage,
  excused: { tags?: boolean; left?: readonly string[] } = {},
): Promise<void> {
  const { clock } = stage.machine;
  await clock.run(clock.sleep(RULES_LAST_MS));
  await secondRoll(stage);
  const image = assertSafe(stage, { memories: mayRemember(stage.setup), ...excused });
  if (!goesBack(stage.setup)) assert.equal(image, endOf(stage), 'the roll after that');
  assert.deepEqual(await recovered(stage, stage.open()), [], 'nothing is left to recover');
}

// The adapter turns the 404 of a read into "none", and that of a removal into a success.
const NEVER_404 = /^engine\.(list|container|images?|imageTags|volumes?|bridges|facts|remove|stop|untag|removeVolume)$/;

async function faulted(
  stage: Stage,
  process: Process,
  { at, how }: Extract<Trouble, { kind: 'fault' }>,
): Promise<string> {
  process.fail(undefined, at, how);
  const report = await command(stage, process);
  if (report === 'died') return assert.fail('it died');
  const what = process.calls[at - 1]?.what ?? '';
  if (how === 404 && NEVER_404.test(what)) return `${what} never fails so`;
  const blameless = stage.setup.bad === undefined;
  assertTrue(stage, report);
  assertAnswered(stage, report);
  const said = report.error?.code ?? report.outcome;
  if (blameless) assert.notEqual(said, 'not-healthy', `no image is to blame: ${JSON.stringify(report)}`);
  const healed = report.outcome === 'failed' ? await recovery(stage) : 'over';
  const tags = !says(process, /stay until the next roll/);
  const left = leftCopies(stage, process);
  assertSafe(stage, { memories: mayRemember(stage.setup), soon: true, tags, left });
  await assertConverges(stage, { tags, left });
  return `${said}, ${healed}`;
}

// Volumes that swapctl reports as left go with the next roll to another image.
function leftCopies({ machine }: Stage, process: Process): readonly string[] {
  if (says(process, /old images and copies stay/)) return [...machine.volumes.keys()];
  return process.progress.flatMap((one) => {
    const name =
      one.kind === 'note' &&
      /the volume (\S+), (?:an old backup|which remembers a failed image), stays/.exec(one.text)?.[1];
    return name ? [name] : [];
  });
}

function says({ progress }: Process, what: RegExp): boolean {
  return progress.some((one) => one.kind === 'note' && what.test(one.text));
}

async function interrupted(stage: Stage, process: Process, at: number): Promise<string> {
  const signal = new AbortController();
  process.before(undefined, at, () => signal.abort());
  const report = await command(stage, process, signal.signal);
  if (report === 'died') return assert.fail('it died');
  assertTrue(stage, report);
  assertAnswered(stage, report);
  const said = report.error?.code ?? report.outcome;
  assert.notEqual(said, 'attention', JSON.stringify(report));
  assertSafe(stage, { memories: mayRemember(stage.setup) });
  await assertConverges(stage);
  return said;
}

async function meddled(
  stage: Stage,
  process: Process,
  { at, action }: Extract<Trouble, { kind: 'person' }>,
): Promise<string> {
  let done = false;
  let said = 0;
  process.before(undefined, at, async () => {
    said = process.progress.length;
    done = await doAction(stage, action);
    if (done) stage.watch.meddled = true;
  });
  const report = await command(stage, process);
  if (report === 'died') return assert.fail('it died');
  if (!done) return 'not met';
  if (says(process, /rolled, but its container is .* now/)) return 'rolled, and says what needs a person';
  assertSound(report);
  // Actions after the last observation can't be in the report.
  const wasLast = !process.progress.slice(said).some(({ kind }) => kind === 'step');
  if (!wasLast && !hasStray(stage) && action !== 'tag moved') assertTrueMeanwhile(stage, report);
  const word = report.error?.code ?? report.outcome;
  if (action.startsWith('new one') && stage.setup.bad === undefined)
    assert.notEqual(word, 'not-healthy', `no image is to blame: ${JSON.stringify(report)}`);
  const isFound = action === 'old one started' && stage.setup.told;
  if (!isHarm(action) && !isFound && !(lengthens(action) && hasGap(stage.setup))) assertAnswered(stage, report);
  const healed = await recovery(stage, true);
  if (needsPerson(stage, word)) return `${word}, needs a person`;
  assertSafe(stage, { memories: true, meddled: true, as: action !== 'old one disconnected' });
  return `${word}, ${healed}`;
}

// By its name, a proxy finds an incumbent that a user starts before it answers. This roll knows neither the gap of another roll, nor when
// an incumbent started by a user answers.
function lengthens(action: ActionName): boolean {
  return action === 'another roll' || action === 'old one started';
}

function needsPerson(stage: Stage, word: string): boolean {
  return word === 'attention' || hasStray(stage) || imagesOf(stage).includes(undefined);
}

async function away(
  stage: Stage,
  process: Process,
  { at, going, liveRestore }: Extract<Trouble, { kind: 'daemon' }>,
): Promise<string> {
  process.before(undefined, at, () => outage(stage, going, liveRestore));
  stage.watch.meddled = true;
  const report = await command(stage, process);
  if (report === 'died') return assert.fail('it died');
  const { clock } = stage.machine;
  await clock.run(clock.sleep(5000));
  assertTrue(stage, report);
  const said = report.error?.code ?? report.outcome;
  if (going === 'killed' && stage.setup.bad === undefined)
    assert.notEqual(said, 'not-healthy', `no image is to blame: ${JSON.stringify(report)}`);
  const healed = await recovery(stage);
  assertSafe(stage, { memories: true, meddled: true });
  return `${said}, ${healed}`;
}
