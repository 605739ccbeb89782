// The engine's daemon goes away as a roll begins one of its steps, and comes back: it is stopped, as for an upgrade, or crashes,
// with its containers or without them (live-restore). What is left is the old version or the new one, the report says which or
// that somebody has to look, and recover does the rest.
import assert from 'node:assert/strict';
import { exitStatus } from '../../src/core/model/error.ts';
import type { ServiceReport } from '../../src/core/report/report.ts';
import type { RecoveredItem } from '../../src/core/report/status.ts';
import { type CliResult, swapctl } from '../lab/cli.ts';
import { type EngineKind, type OtherEngine, startDaemon, startEngine, stopDaemon } from '../lab/engines.ts';
import { eventually } from '../lab/waiting.ts';
import type { World } from '../lab/world.ts';
import type { Outcome, Tried } from './cell.ts';
import { type Moment, momentReader, momentText } from './moments.ts';
import { assertSafe, removeSubject, versionsOf } from './subject.ts';
import { commandOf, type Prepared, prepare, WAYS, type Way, type WayName } from './ways.ts';

/** What happens to the daemon. */
const GOES = { stopped: 'SIGTERM', killed: 'SIGKILL' } as const;

type Going = keyof typeof GOES;
export const GOINGS = Object.keys(GOES) as Going[];

/** Some of the ways, since each cell takes a daemon's restart: every kind of step that is not of copies or failures. */
export const OUTAGE_WAYS: readonly WayName[] = ['start-first', 'stop-first', 'rehearsed', 'handover', 'scaled'];

export interface Outage {
  way: WayName;
  going: Going;
  before: Moment;
}

/** An engine that nobody else uses, whose daemon can be taken away from it. */
export interface LoneEngine extends OtherEngine {
  liveRestore: boolean;
  /** Resolves once the daemon answers again. */
  restart(going: Going): Promise<void>;
}

/** How the table calls it. */
export function outageFault(going: Going, liveRestore: boolean): string {
  return `daemon ${going}${liveRestore ? ', live-restore' : ''}`;
}

/** All that can happen to a daemon. */
export function outageFaults(liveRestore: boolean): string[] {
  return GOINGS.map((going) => outageFault(going, liveRestore));
}

export function outageMoment({ before }: Outage): string {
  return momentText(before).replace('before ', '');
}

/** Root only. Fails if one runs already that is set up otherwise: somebody else's, or left by a run that was cut short. */
export async function startLoneEngine(kind: EngineKind, liveRestore: boolean): Promise<LoneEngine> {
  const options = { spare: 'away' as const, flags: liveRestore ? ['--live-restore'] : [] };
  const engine = await startEngine(kind, options);
  const { LiveRestoreEnabled } = await engine.docker.info();
  assert.equal(
    LiveRestoreEnabled,
    liveRestore,
    `${engine.dockerHost} is in use: npx tsx test/lab/engines.ts down ${kind}`,
  );
  const restart = async (going: Going) => {
    await stopDaemon(kind, options, GOES[going]);
    await startDaemon(kind, options);
  };
  return { ...engine, liveRestore, restart };
}

/** One at a time on an engine: what happens to its daemon happens to all. */
export async function tryOutage(world: World, engine: LoneEngine, outage: Outage): Promise<Tried> {
  const fault = outageFault(outage.going, engine.liveRestore);
  const cell = { topic: 'daemon' as const, way: outage.way, fault, moment: outageMoment(outage) };
  try {
    // Asked inside, since that takes the engine.
    const subject = await prepare(world, outage.way, 'inside');
    try {
      return { ...cell, safe: true, outcome: await survive(subject, engine, outage) };
    } finally {
      await removeSubject(subject);
    }
  } catch (error) {
    return { ...cell, safe: false, why: error instanceof Error ? error.message : String(error) };
  }
}

async function survive(subject: Prepared, engine: LoneEngine, outage: Outage): Promise<Outcome> {
  const before = await idsOf(subject);
  const { result, back } = await rolledThrough(subject, engine, outage);
  const story = `${result.stdout}\n${result.stderr}`;
  try {
    await back;
    const outcome = await judged(subject, outage, before, result);
    if (back) return outcome;
    assert.equal(result.code, 0, 'nothing happened to it');
    return { text: 'not met', notMet: true };
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${story}`);
  }
}

// The daemon gets its signal at the line; the roll goes on at once, and does not wait for what becomes of it.
async function rolledThrough(
  subject: Prepared,
  engine: LoneEngine,
  { way, going, before }: Outage,
): Promise<{ result: CliResult; back: Promise<void> | undefined }> {
  const { world } = subject;
  const read = momentReader();
  let back: Promise<void> | undefined;
  const result = await swapctl(commandOf(way, subject), {
    env: world.env,
    netns: world.netns,
    atLine: async (line) => {
      const moment = read(line);
      if (!moment || momentText(moment) !== momentText(before)) return;
      back = engine.restart(going);
      // Told by whoever waits for it.
      back.catch(() => {});
    },
  });
  return { result, back };
}

/** What the roll told is true, and recover leaves what serves. */
async function judged(
  subject: Prepared,
  { way, going }: Outage,
  before: readonly unknown[],
  { code, json }: CliResult,
): Promise<Outcome> {
  const report: ServiceReport = json();
  assert.equal(code, report.error ? exitStatus(report.error.code) : 0);
  const isTrue = () => assertTrue(subject, way, before, report).then(() => true);
  // Those that are started again with their daemon take their time.
  await eventually('what was told is true', () => isTrue().catch(() => false)).catch(isTrue);
  const text = report.error?.code ?? report.outcome;
  // A daemon that ends in peace stops its containers first, and for a moment nothing tells that from their own end.
  if (going === 'killed') {
    assert.notEqual(text, 'not-healthy', 'no image is blamed');
    assert.doesNotMatch(report.error?.message ?? '', /somebody|\ba user\b/, 'and nobody');
  }
  const began = Date.now();
  if (report.outcome !== 'rolled') await recover(subject);
  const { memories, ends }: Way = WAYS[way];
  const version = await assertSafe(subject, memories || text === 'not-healthy');
  if (report.outcome === 'rolled') assert.equal(version, ends);
  return {
    text: `${text}, version ${version}`,
    ...(report.outcome !== 'rolled' && { recoveryMs: Date.now() - began }),
  };
}

// Right after the roll, before anybody recovers anything.
async function assertTrue(
  subject: Prepared,
  way: WayName,
  before: readonly unknown[],
  report: ServiceReport,
): Promise<void> {
  const { ends }: Way = WAYS[way];
  const told = JSON.stringify(report);
  const [now, versions] = await Promise.all([idsOf(subject), versionsOf(subject)]);
  if (report.outcome === 'rolled') {
    assert.deepEqual(new Set(versions), new Set([ends]), `it was rolled: ${told}`);
    assert.ok(!now.some((id) => before.includes(id)), told);
    return;
  }
  assert.ok(report.error, told);
  // Everything but "needs attention" promises that the old one serves as before, or that nothing was touched.
  if (exitStatus(report.error.code) === 3) return;
  assert.deepEqual(now, before, `the old one is there: ${told}`);
  assert.ok(!versions.includes(undefined), `the old one serves: ${told}`);
}

async function recover({ world, slots }: Prepared): Promise<void> {
  const { json, stdout, stderr } = await swapctl(['recover', '--json'], { env: world.env, netns: world.netns });
  const items: RecoveredItem[] = json();
  for (const { slot, outcome } of items) {
    if (slots.includes(slot)) assert.ok(outcome !== 'failed' && outcome !== 'busy', `${outcome}: ${stdout}${stderr}`);
  }
}

/** Ids of what bears the slots' names. */
function idsOf({ world, slots, replicas }: Prepared): Promise<(string | undefined)[]> {
  const idOf = (slot: string) =>
    world.docker
      .getContainer(slot)
      .inspect()
      .then(
        ({ Id }) => Id,
        () => undefined,
      );
  return Promise.all(slots.slice(0, replicas).map(idOf));
}
