// Users, prunes, compose and other rolls act on the containers of a roll, just before one of its steps, while swapctl stands still: it
// notices, ends safely, and reports it.
import assert from 'node:assert/strict';
import type Docker from 'dockerode';
import { exitStatus } from '../../src/core/model/error.ts';
import type { ServiceReport } from '../../src/core/report/report.ts';
import type { RecoveredItem } from '../../src/core/report/status.ts';
import { swapctl } from '../lab/cli.ts';
import { eventually } from '../lab/waiting.ts';
import type { World } from '../lab/world.ts';
import type { Outcome, Tried } from './cell.ts';
import { type Moment, momentReader, momentText } from './moments.ts';
import {
  commandOf,
  hasBadImage,
  type Prepared,
  prepare,
  rollArgs,
  SCENARIOS,
  type Scenario,
  type ScenarioName,
} from './scenarios.ts';
import { answering, assertSafe, imageOf, namesOf, removeSubject, versionsOf } from './subject.ts';

type ChangeActions = (subject: Prepared, old: string) => Promise<boolean>;

/** The actions; each resolves with false if it has no object. */
export const ACTIONS = {
  'old one stopped': (subject, old) => toRunning(subject, old, (container) => container.stop()),
  'new one stopped': async (subject, old) =>
    toRunning(subject, await candidateOf(subject, old), (container) => container.stop()),
  'old one paused': (subject, old) => toRunning(subject, old, (container) => container.pause()),
  'new one paused': async (subject, old) =>
    toRunning(subject, await candidateOf(subject, old), (container) => container.pause()),
  'old one removed': (subject, old) => toAny(subject, old, (container) => container.remove({ force: true })),
  'new one removed': async (subject, old) =>
    toAny(subject, await candidateOf(subject, old), (container) => container.remove({ force: true })),
  'old one renamed': (subject, old) =>
    toAny(subject, old, (container) => container.rename({ name: elsewhere(subject) })),
  'new one renamed': async (subject, old) =>
    toAny(subject, await candidateOf(subject, old), (container) => container.rename({ name: elsewhere(subject) })),
  'images pruned': prune,
  'another roll': otherRoll,
  'compose up -d': (subject) => compose(subject, 'up', '--detach'),
  'compose down': (subject) => compose(subject, 'down', '--timeout', '1'),
} satisfies Record<string, ChangeActions>;

export type ActionName = keyof typeof ACTIONS;

export interface Meddling {
  way: ScenarioName;
  action: ActionName;
  before: Moment;
}

/** True: the action is possible in this scenario. */
export function isDoable(way: ScenarioName, action: ActionName): boolean {
  return way === 'compose' || way === 'scaled' || !action.startsWith('compose');
}

/** Undefined if the action had no object. */
export async function tryMeddling(world: World, one: Meddling): Promise<Tried | undefined> {
  const cell = {
    topic: 'people' as const,
    way: one.way,
    fault: one.action,
    moment: momentText(one.before).replace('before ', ''),
  };
  const subject = await prepare(world, one.way);
  try {
    const outcome = await endure(subject, one);
    return outcome && { ...cell, safe: true, outcome };
  } catch (error) {
    return { ...cell, safe: false, why: error instanceof Error ? error.message : String(error) };
  } finally {
    await removeSubject(subject);
  }
}

async function endure(subject: Prepared, { way, action, before }: Meddling): Promise<Outcome | undefined> {
  const { memories }: Scenario = SCENARIOS[way];
  const told = await rolledMeanwhile(subject, { way, action, before });
  if (!told.done) return undefined;
  const { report, story } = told;
  if (/: rolled, but its container is (exited|paused|gone) now/.test(story)) {
    assert.equal(report.outcome, 'rolled', story);
    await assertNotSwapctl(subject, action, told);
    return { text: 'rolled, and tells what needs a person' };
  }
  await assertReport(subject, way, report, story);
  if (action.startsWith('new one') && !hasBadImage(way))
    assert.notEqual(report.error?.code, 'not-healthy', `no image is to blame\n${story}`);
  const stray = (await namesOf(subject)).includes(elsewhere(subject));
  if (action === 'old one renamed' && stray) assert.ok(story.includes(elsewhere(subject)), `it says so\n${story}`);
  const began = Date.now();
  const items = await recover(subject);
  const failed = items.find(({ outcome }) => outcome === 'failed');
  assert.ok(failed === undefined || failed.error?.code === 'attention', `${JSON.stringify(failed)}\n${story}`);
  // If the report left the slot to the user, so does recover; it may only converge other replicas.
  const evened = items.filter(({ slot, found }) => slot !== subject.slots[0] && found.startsWith('replicas of '));
  const left = items.every((item) => item.outcome === 'removed' || evened.includes(item));
  if (failed !== undefined || (left && report.error?.code === 'attention')) {
    await assertNotSwapctl(subject, action, told);
    if (evened.length > 0) await assertOneVersion(subject, story);
    return { text: 'needs a person' };
  }
  const version = await assertSafe(subject, memories || report.error?.code === 'not-healthy').catch((error) => {
    throw new Error(`${error.message}\n${JSON.stringify(items)}\n${story}`);
  });
  return { text: `${report.error?.code ?? report.outcome}, version ${version}`, recoveryMs: Date.now() - began };
}

interface Notified {
  done: boolean;
  /** The containers of the service right after the action, without swapctl's helpers. */
  left: readonly string[];
  report: ServiceReport;
  story: string;
}

async function rolledMeanwhile(subject: Prepared, { way, action, before }: Meddling): Promise<Notified> {
  const { world, slots } = subject;
  const old = (await world.docker.getContainer(slots[0] ?? '').inspect()).Id;
  const read = momentReader();
  let done = false;
  let left: string[] = [];
  const { json, code, stdout, stderr } = await swapctl(commandOf(way, subject), {
    env: world.env,
    netns: world.netns,
    atLine: async (line) => {
      const moment = read(line);
      if (!moment || momentText(moment) !== momentText(before)) return;
      done = await ACTIONS[action](subject, old);
      left = await serversOf(subject);
    },
  });
  const report: ServiceReport = json();
  const story = `${stdout}\n${stderr}`;
  assert.equal(code, report.error ? exitStatus(report.error.code) : 0, story);
  return { done, left, report, story };
}

// The report states the present situation, before any recovery.
async function assertReport(
  subject: Prepared,
  way: ScenarioName,
  { outcome, error }: ServiceReport,
  story: string,
): Promise<void> {
  const { command }: Scenario = SCENARIOS[way];
  const [from, to] = command === 'rollback' ? ['2', '1'] : ['1', '2'];
  if (outcome === 'unchanged') return;
  const versions = [...new Set(await versionsOf(subject))];
  if (outcome !== 'failed') assert.deepEqual(versions, [to], story);
  else if (exitStatus(error?.code ?? 'attention') !== 3) assert.deepEqual(versions, [from], story);
}

// Only containers that users removed may be missing.
async function assertNotSwapctl(subject: Prepared, action: ActionName, { left, story }: Notified): Promise<void> {
  assert.notEqual(action, 'another roll', story);
  // With several replicas compose removes and re-creates at will; the remaining ones have to answer.
  if (action === 'compose up -d') await eventually(`it answers\n${story}`, () => answering(subject));
  if (action === 'compose down') return;
  const now = await serversOf(subject);
  assert.ok(now.length > 0 || left.length === 0, `nothing is left, where ${left} was when it was done\n${story}`);
}

async function assertOneVersion(subject: Prepared, story: string): Promise<void> {
  const slots = await serversOf(subject);
  const versions = await versionsOf({ ...subject, slots, replicas: slots.length });
  const running = versions.filter((version) => version !== undefined);
  assert.equal(new Set(running).size, 1, `those that run have one version, and not ${versions}\n${story}`);
}

async function serversOf(subject: Prepared): Promise<string[]> {
  const names = await namesOf(subject);
  return names.filter((name) => !/\.swapctl-(?!next$|old$)/.test(name));
}

async function recover({ world, service }: Prepared): Promise<RecoveredItem[]> {
  const { code, json } = await swapctl(['recover', service, '--json'], { env: world.env, netns: world.netns });
  return code === exitStatus('not-found') ? [] : json();
}

// ---- actions

function elsewhere({ name }: Prepared): string {
  return `${name}-elsewhere`;
}

async function candidateOf({ world, slots }: Prepared, old: string): Promise<string | undefined> {
  const [slot] = slots;
  const all = await world.docker.listContainers({ all: true });
  const names = [`/${slot}`, `/${slot}.swapctl-next`];
  return all.find(({ Id, Names }) => Id !== old && names.includes(Names[0] ?? ''))?.Id;
}

async function toAny(
  { world }: Prepared,
  id: string | undefined,
  act: (container: Docker.Container) => Promise<unknown>,
): Promise<boolean> {
  const container = id === undefined ? undefined : world.docker.getContainer(id);
  if (!container || !(await container.inspect().catch(() => undefined))) return false;
  await act(container);
  return true;
}

async function toRunning(
  subject: Prepared,
  id: string | undefined,
  act: (container: Docker.Container) => Promise<unknown>,
): Promise<boolean> {
  const state =
    id === undefined
      ? undefined
      : await subject.world.docker
          .getContainer(id)
          .inspect()
          .catch(() => undefined);
  if (state?.State.Running !== true || state.State.Paused) return false;
  return toAny(subject, id, act).catch((error) => {
    // It ended in that moment, or is about to start again.
    if (/not running|is restarting/.test(error.message)) return false;
    throw error;
  });
}

// As `docker image prune --all` does: every unused tag and image.
async function prune(subject: Prepared): Promise<boolean> {
  const { docker } = subject.world;
  const used = new Set((await docker.listContainers({ all: true })).map(({ ImageID }) => ImageID));
  const tags = ['1', '2', 'live', 'newest'].map((tag) => imageOf(subject, tag));
  const images = (await docker.listImages()).filter(
    ({ Id, RepoTags }) => !used.has(Id) && (RepoTags ?? []).some((tag) => tags.includes(tag)),
  );
  for (const tag of images.flatMap(({ RepoTags }) => RepoTags ?? []))
    await docker.getImage(tag).remove({ force: true });
  return images.length > 0;
}

async function otherRoll({ world, service }: Prepared): Promise<boolean> {
  const { json, stdout, stderr } = await swapctl(rollArgs(service), { env: world.env, netns: world.netns });
  // Once all run the new image, or its failure is recorded, the other roll knows enough.
  const { outcome, error } = json();
  assert.match(error?.code ?? outcome, /^(busy|known-bad|unchanged)$/, `the other roll: ${stdout}${stderr}`);
  return true;
}

// A roll has one container more than the file: compose removes another one, and may then find a name taken and give up.
async function compose({ project }: Prepared, ...command: string[]): Promise<boolean> {
  if (!project) return false;
  await project.run(...command).catch((error) => {
    if (!/The container name .* is already in use/.test(error.message)) throw error;
  });
  return true;
}
