// People (and compose, and prunes) do things to the containers of a roll in its middle, before one step after the other: it
// ends, says what it saw, and what is left is the old version or the new one, unless a person took both away.
// SWAPCTL_TEST_LONG=1: everything before every step.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type Docker from 'dockerode';
import { createApp, type RollRequest } from '../../src/app.ts';
import { exitStatus } from '../../src/core/error.ts';
import type { ServiceReport } from '../../src/core/report.ts';
import type { Way } from '../../src/core/way.ts';
import type { Engine, Kernel, Ports } from '../../src/ports.ts';
import { composeProject } from '../lab/compose.ts';
import { testWorld, untilHealthy } from '../lab/world.ts';
import { type OpenApp, openApp, quickly, retag } from './compose-app.ts';
import { type Bench, freshBench, namesOf, servingOf, slotBench, versionOf, WAYS } from './slot-bench.ts';

const LONG = process.env.SWAPCTL_TEST_LONG === '1';
const TELL = process.env.SWAPCTL_TEST_TELL === '1';
const AT_ONCE = { concurrency: WAYS.length };

type Target = 'old' | 'new';
type Deed = 'stop' | 'remove' | 'rename' | 'pause' | 'prune';

const DEEDS: readonly { deed: Deed; target: Target }[] = (
  ['stop', 'remove', 'rename', 'pause', 'prune'] as const
).flatMap((deed) => (['old', 'new'] as const).map((target) => ({ deed, target })));

interface Case {
  deed: Deed;
  target: Target;
  /** `rename#2`: before the second step of that kind. */
  step: string;
}

test('whatever people do in the middle of a roll, it ends safely and says so', AT_ONCE, async (t) => {
  await Promise.all(WAYS.map((way) => t.test(way, (t) => meddle(t, way))));
});

async function meddle(t: TestContext, way: Way): Promise<void> {
  const world = testWorld(t);
  const bench = await slotBench(world, way, way);
  const opened = await openApp(world);
  t.after(() => opened.close());
  const good = await roll(bench, opened, undefined);
  assert.equal(good.report.outcome, 'rolled', JSON.stringify(good.report));
  const cases = LONG ? everyCase(good.steps) : sample(way);
  const tally = new Map<string, number>();
  for (const one of cases) {
    const what = `${one.deed} ${one.target} before ${one.step}`;
    const outcome = await endure(bench, opened, one).catch((error) => {
      throw new Error(`${what}: ${error.message}`, { cause: error });
    });
    tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
    if (TELL) t.diagnostic(`${what}: ${outcome}`);
  }
  t.diagnostic(`${cases.length} deeds: ${[...tally].map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`);
}

function everyCase(steps: readonly string[]): Case[] {
  return steps.flatMap((step) => DEEDS.map((one) => ({ ...one, step })));
}

const SHORT: Record<Way, string[]> = {
  'start-first': [
    'stop old before open#1',
    'remove old before rename#1',
    'stop new before drain#1',
    'rename old before rename#2',
    'remove new before stop#1',
    'pause old before forward#1',
  ],
  'stop-first': [
    'remove old before start#2',
    'remove new before await-healthy#2',
    'stop old before pass-rehearsal#1',
    'prune new before start#2',
  ],
  handover: ['remove new before keep-image#1', 'remove old before forward#2', 'prune old before stop#1'],
};

function sample(way: Way): Case[] {
  return SHORT[way].map((line) => {
    const [deed, target, , step = ''] = line.split(' ');
    const known = DEEDS.find((one) => one.deed === deed && one.target === target);
    return { ...(known ?? assert.fail(line)), step };
  });
}

async function endure(bench: Bench, opened: OpenApp, one: Case): Promise<string> {
  await freshBench(bench);
  const { report, notes, met, steps } = await roll(bench, opened, one);
  const story = `${JSON.stringify(report)}\n${[...steps, ...notes].join('\n')}`;
  if (!met) return 'nothing to meddle with';
  const { outcome, error } = report;
  const told = exitStatus(error?.code ?? 'attention');
  // What was proven already needs nothing of the old one any more.
  if (one.deed === 'remove' && one.target === 'old' && one.step === 'rename#1') assert.equal(outcome, 'rolled', story);
  if (outcome === 'rolled') assert.equal(await versionOf(bench), '2', story);
  else if (told !== 3) assert.equal(await versionOf(bench), '1', story);
  const items = await opened.app.recover(new AbortController().signal);
  const own = items.filter(({ slot }) => slot === bench.name);
  const bad = own.find(({ outcome }) => outcome === 'failed' || outcome === 'busy');
  const needsPerson = bad?.error?.code === 'attention' || (own.length === 0 && error?.code === 'attention');
  if (needsPerson) {
    const state = (await namesOf(bench.world, bench.name)).join(' ');
    return `attention (${(bad?.error ?? error)?.message.replaceAll(bench.name, 'NAME')}; left: ${state.replaceAll(bench.name, 'NAME')})`;
  }
  assert.equal(bad, undefined, `${JSON.stringify(bad)}\n${story}`);
  // Who stops or removes a new container may be taken for an image that exits by itself.
  const { version } = await servingOf(bench, error?.code === 'not-healthy').catch((cause) => {
    throw new Error(`${cause.message}\n${JSON.stringify(own)}\n${story}`, { cause });
  });
  return `${error?.code ?? outcome}, version ${version}`;
}

for (const { step, command, left } of [
  { step: 'rename#1', command: ['up', '--detach'], left: 1 },
  { step: 'drain#1', command: ['up', '--detach'], left: 1 },
  { step: 'rename#2', command: ['down', '--timeout', '1'], left: 0 },
]) {
  test(`compose ${command[0]} before ${step} of a roll leaves ${left === 1 ? 'one container' : 'none'}`, async (t) => {
    const world = testWorld(t);
    const opened = await openApp(world);
    t.after(() => opened.close());
    const image = world.name('app:live');
    const publish = async (version: string) => retag(world, await world.image(`app:${version}`), image);
    await publish('1');
    const labels = JSON.stringify({ ...world.labels, 'swapctl.settle': '300ms', 'swapctl.drain.timeout': '1s' });
    const project = composeProject(world, `services: { web: { image: "${image}", labels: ${labels} } }`);
    await project.run('up', '--detach', '--wait');
    const name = `${world.prefix}-web-1`;
    await publish('2');
    const act = async () => {
      await project.run(...command);
      return true;
    };
    const { report, notes, steps, met } = await rollWhile(opened, name, quickly({ pull: 'never' }), { step, act });
    const story = `${JSON.stringify(report)}\n${[...steps, ...notes].join('\n')}`;
    assert.ok(met, story);
    const items = await opened.app.recover(new AbortController().signal);
    const names = await namesOf(world, name);
    t.diagnostic(`${report.outcome} ${report.error?.message ?? ''} ${JSON.stringify(items)}`);
    assert.deepEqual(names, left === 1 ? [name] : [], story);
    if (left === 1) assert.equal(report.outcome, 'rolled', story);
    if (left === 1) await untilHealthy(world.docker.getContainer(name), 60_000);
    else assert.equal(report.error?.code, 'attention', story);
  });
}

interface Rolled {
  report: ServiceReport;
  steps: string[];
  notes: string[];
  met: boolean;
}

/** Rolls to version 2, while somebody does something just before a step. */
async function roll(bench: Bench, opened: OpenApp, one: Case | undefined): Promise<Rolled> {
  const old = bench.world.docker.getContainer((await bench.world.docker.getContainer(bench.name).inspect()).Id);
  const request = { ...quickly({ image: bench.images['2'] ?? '', pull: 'never', force: true }), overrides: {} };
  return rollWhile(opened, bench.name, request, one && { step: one.step, act: () => deed(bench, old, one) });
}

/** Rolls; `act` comes just before a step, and says whether there was anything to do. */
async function rollWhile(
  { ports }: OpenApp,
  name: string,
  request: RollRequest,
  meddler: { step: string; act: () => Promise<boolean> } | undefined,
): Promise<Rolled> {
  const [steps, notes]: string[][] = [[], []];
  let meddling = Promise.resolve(true);
  let met = false;
  const report: Ports['report'] = (progress) => {
    if (progress.kind === 'note' || progress.kind === 'debug') notes?.push(progress.text);
    if (progress.kind !== 'step' || progress.slot !== name) return;
    const kind = progress.step.kind;
    const step = `${kind}#${1 + (steps ?? []).filter((earlier) => earlier.startsWith(`${kind}#`)).length}`;
    steps?.push(step);
    if (step !== meddler?.step) return;
    meddling = meddler.act().catch((error) => assert.fail(error));
    void meddling.then((done) => {
      met = done;
    });
  };
  const app = createApp({
    ...ports,
    report,
    engine: after(ports.engine, () => meddling),
    kernel: after(ports.kernel, () => meddling),
  });
  const [told] = await app.roll([name], request);
  return { report: told ?? assert.fail('no report'), steps: steps ?? [], notes: notes ?? [], met };
}

/** Every call waits until somebody has done what he does. */
function after<T extends Engine | Kernel>(calls: T, done: () => Promise<unknown>): T {
  const waiting = Object.entries(calls).map(([name, call]) => {
    if (name === 'close') return [name, call];
    const waited = async (...args: unknown[]) => {
      await done();
      return (call as (...args: unknown[]) => unknown)(...args);
    };
    return [name, waited];
  });
  return Object.fromEntries(waiting) as T;
}

/** Resolves with false where there is nothing to do it to. */
async function deed(bench: Bench, old: Docker.Container, { deed, target }: Case): Promise<boolean> {
  const { docker } = bench.world;
  if (deed === 'prune') {
    await docker.getImage(bench.images[target === 'old' ? '1' : '2'] ?? '').remove({ force: true });
    return true;
  }
  const container = target === 'old' ? old : await successorOf(bench, old);
  const state = await container?.inspect().catch(() => undefined);
  if (!container || !state) return false;
  if (deed === 'remove') await container.remove({ force: true });
  if (deed === 'rename') await container.rename({ name: `${bench.name}-elsewhere` });
  if (deed === 'stop' || deed === 'pause') {
    if (!state.State.Running) return false;
    await container[deed]();
  }
  return true;
}

async function successorOf({ world, name }: Bench, old: Docker.Container): Promise<Docker.Container | undefined> {
  const all = await world.docker.listContainers({ all: true });
  const names = [name, `${name}.swapctl-next`];
  const found = all.find(({ Id, Names }) => Id !== old.id && names.includes((Names[0] ?? '').slice(1)));
  return found && world.docker.getContainer(found.Id);
}
