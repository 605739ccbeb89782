// The engine's daemon goes away as a roll begins one of its steps, and comes back: it is stopped, as for an upgrade, or crashes, with its
// containers or without them (live-restore). The old or the new version serves then, the report says which or that it needs attention,
// and recover does the rest.
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
import { commandOf, type Prepared, prepare, SCENARIOS, type Scenario, type ScenarioName } from './scenarios.ts';
import { assertSafe, removeSubject, versionsOf } from './subject.ts';

/** The daemon's end. */
const GOES = { stopped: 'SIGTERM', killed: 'SIGKILL' } as const;

type Going = keyof typeof GOES;
export const GOINGS = Object.keys(GOES) as Going[];

/** Some of the scenarios, since each cell needs a restart of the daemon: every kind of step, except those of backups and failures. */
export const OUTAGE_SCENARIOS: readonly ScenarioName[] = [
  'start-first',
  'stop-first',
  'rehearsed',
  'handover',
  'scaled',
];

export interface Outage {
  way: ScenarioName;
  going: Going;
  before: Moment;
}

/** An engine of its own, whose daemon can go away. */
export interface LoneEngine extends OtherEngine {
  liveRestore: boolean;
  /** Resolves once the daemon answers again. */
  restart(going: Going): Promise<void>;
}

/** Its name in the table. */
export function outageFault(going: Going, liveRestore: boolean): string {
  return `daemon ${going}${liveRestore ? ', live-restore' : ''}`;
}

/** All faults of a daemon. */
export function outageFaults(liveRestore: boolean): string[] {
  return GOINGS.map((going) => outageFault(going, liveRestore));
}

export function outageMoment({ before }: Outage): string {
  return momentText(before).replace('before ', '');
}

/** Root only. Fails if one with another setup is already running, started by another process or left by an interrupted run. */
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

/** One at a time on an engine: the end of its daemon affects all. */
export async function tryOutage(world: World, engine: LoneEngine, outage: Outage): Promise<Tried> {
  const fault = outageFault(outage.going, engine.liveRestore);
  const cell = { topic: 'daemon' as const, way: outage.way, fault, moment: outageMoment(outage) };
  try {
    // Probed inside, since that needs the engine.
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

// The daemon gets its signal at the line; the roll continues at once, without waiting for the daemon.
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
      // The caller that awaits it gets the error.
      back.catch(() => {});
    },
  });
  return { result, back };
}

/** The report of the roll is true, and recover leaves the serving container. */
async function judged(
  subject: Prepared,
  { way, going }: Outage,
  before: readonly unknown[],
  { code, json }: CliResult,
): Promise<Outcome> {
  const report: ServiceReport = json();
  assert.equal(code, report.error ? exitStatus(report.error.code) : 0);
  const isTrue = () => assertTrue(subject, way, before, report).then(() => true);
  // Containers that start again with their daemon take some time.
  await eventually('what was told is true', () => isTrue().catch(() => false)).catch(isTrue);
  const text = report.error?.code ?? report.outcome;
  // A daemon that ends normally stops its containers first, which for a moment looks like their own end.
  if (going === 'killed') {
    assert.notEqual(text, 'not-healthy', 'no image is blamed');
    assert.doesNotMatch(report.error?.message ?? '', /somebody|\ba user\b/, 'and nobody');
  }
  const began = Date.now();
  if (report.outcome !== 'rolled') await recover(subject);
  const { memories, ends }: Scenario = SCENARIOS[way];
  const version = await assertSafe(subject, memories || text === 'not-healthy');
  if (report.outcome === 'rolled') assert.equal(version, ends);
  return {
    text: `${text}, version ${version}`,
    ...(report.outcome !== 'rolled' && { recoveryMs: Date.now() - began }),
  };
}

// Right after the roll, before any recovery.
async function assertTrue(
  subject: Prepared,
  way: ScenarioName,
  before: readonly unknown[],
  report: ServiceReport,
): Promise<void> {
  const { ends }: Scenario = SCENARIOS[way];
  const told = JSON.stringify(report);
  const [now, versions] = await Promise.all([idsOf(subject), versionsOf(subject)]);
  if (report.outcome === 'rolled') {
    assert.deepEqual(new Set(versions), new Set([ends]), `it was rolled: ${told}`);
    assert.ok(!now.some((id) => before.includes(id)), told);
    return;
  }
  assert.ok(report.error, told);
  // Every report except "needs attention" promises that the old version serves as before, or that nothing was touched.
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

/** Ids of the containers with the slot names. */
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
