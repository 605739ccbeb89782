// The engine fails at one call of a run: it answers with an error, the connection breaks, or the answer is late or never comes. The old
// or the new version serves then, and the report says which.
import assert from 'node:assert/strict';
import { connect } from '../../src/adapters/docker/connect/connect.ts';
import type { Endpoint } from '../../src/adapters/docker/connect/endpoint.ts';
import { dockerEngine } from '../../src/adapters/docker/engine/engine.ts';
import { createApp, type RollRequest } from '../../src/app/app.ts';
import { EngineError } from '../../src/core/model/engine-error.ts';
import { exitStatus } from '../../src/core/model/error.ts';
import type { ServiceReport } from '../../src/core/report/report.ts';
import { type OpenApp, openApp } from '../engine/compose-app.ts';
import type { EngineUnderTest } from '../lab/engine.ts';
import { type Call, type Fault, type FaultProxy, faultProxy } from '../lab/fault-proxy.ts';
import type { World } from '../lab/world.ts';
import type { Outcome, Tried } from './cell.ts';
import { scoped } from './kills.ts';
import { type Prepared, prepare, SCENARIOS, type Scenario, type ScenarioName } from './scenarios.ts';
import { assertSafe, removeSubject, versionsOf } from './subject.ts';

export const FAULTS = {
  '500': { kind: 'answer', status: 500 },
  '409': { kind: 'answer', status: 409 },
  '404': { kind: 'answer', status: 404 },
  'cut before': { kind: 'cut-before' },
  'cut after': { kind: 'cut-after' },
  'cut in the middle': { kind: 'cut-middle' },
  stall: { kind: 'stall' },
  delay: { kind: 'delay', ms: 3000 },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** The nth call of its kind. */
export interface CallAt extends Call {
  nth: number;
}

/** The same, counted from another call on: the number of earlier reads depends on time. */
export type Moment = Pick<CallAt, 'what' | 'nth'> & { since?: Pick<CallAt, 'what' | 'nth'> };

export interface EngineFault {
  way: ScenarioName;
  fault: FaultName;
  at: Moment;
}

// The time limits for a stalled engine are short here.
const TIMEOUTS = { read: 8000, change: 8000, idle: 8000 };

interface Stage {
  subject: Prepared;
  proxy: FaultProxy;
  opened: OpenApp;
}

/** Every call of an undisturbed run. */
export async function callsOf(world: World, way: ScenarioName): Promise<CallAt[]> {
  const { ends, memories }: Scenario = SCENARIOS[way];
  return staged(world, way, async (stage) => {
    stage.proxy.arm(undefined, () => false);
    const report = await asked(stage, way);
    const { calls } = stage.proxy;
    const found = calls.map((call, at) => ({ ...call, nth: timesOf(calls.slice(0, at + 1), call.what) }));
    assert.equal(await assertSafe(stage.subject, memories), ends, JSON.stringify(report));
    return found;
  });
}

/** The call's name in the table. */
export function callText({ what, nth, since }: Moment): string {
  return `${what}#${nth}${since ? ` since ${callText(since)}` : ''}`;
}

export async function tryFault(world: World, { way, fault, at }: EngineFault): Promise<Tried> {
  const cell = { topic: 'engine' as const, way, fault, moment: callText(at) };
  try {
    return { ...cell, safe: true, outcome: await staged(world, way, (stage) => survive(stage, { way, fault, at })) };
  } catch (error) {
    return { ...cell, safe: false, why: error instanceof Error ? error.message : String(error) };
  }
}

async function staged<T>(world: World, way: ScenarioName, work: (stage: Stage) => Promise<T>): Promise<T> {
  const subject = await prepare(world, way);
  try {
    return await scoped(async (scope) => {
      const proxy = await faultProxy(scope, world);
      const opened = await impatient(await openApp(proxy.engine), proxy.engine);
      scope.after(async () => opened.close());
      return work({ subject, proxy, opened });
    });
  } finally {
    await removeSubject(subject);
  }
}

/** The same use cases, with shorter time limits for the engine. */
async function impatient(opened: OpenApp, { dockerHost }: EngineUnderTest): Promise<OpenApp> {
  const endpoint: Endpoint = { kind: 'unix', path: new URL(dockerHost).pathname, origin: 'a test' };
  const engine = dockerEngine(await connect(endpoint), endpoint, async () => undefined, TIMEOUTS);
  const ports = { ...opened.ports, engine };
  const close = () => {
    engine.close();
    opened.close();
  };
  return { ...opened, ports, app: createApp(ports), close };
}

async function survive(stage: Stage, { way, fault, at }: EngineFault): Promise<Outcome> {
  const { subject, proxy, opened } = stage;
  const { memories }: Scenario = SCENARIOS[way];
  const before = await versionsOf(subject);
  proxy.arm(FAULTS[fault], (call, calls) => call.what === at.what && isNow(calls, at));
  const report = await asked(stage, way);
  const wasHit = proxy.hit() !== undefined;
  proxy.calm();
  const story = [JSON.stringify(report), ...told(opened)].join('\n');
  await assertTrue(subject, way, before, report, story);
  const began = Date.now();
  const text = wasHit ? (report.error?.code ?? report.outcome) : 'not met';
  if (report.outcome === 'failed') await recover(stage, story);
  const version = await assertSafe(subject, memories).catch((error) => {
    throw new Error(`${error.message}\n${story}`);
  });
  return {
    notMet: !wasHit,
    text: `${text}, version ${version}`,
    ...(report.outcome === 'failed' && { recoveryMs: Date.now() - began }),
  };
}

async function asked({ opened, subject }: Stage, way: ScenarioName): Promise<ServiceReport> {
  const { command }: Scenario = SCENARIOS[way];
  const request: RollRequest = { signal: new AbortController().signal, overrides: {}, pull: 'never' };
  try {
    const { app } = opened;
    const reports =
      command === 'rollback'
        ? [await app.rollback(subject.service, request)]
        : await app.roll([subject.service], request);
    return reports[0] ?? assert.fail('no report');
  } catch (error) {
    // Before there was a service to report on.
    assert.ok(error instanceof EngineError, String(error));
    const { message } = error;
    return {
      service: subject.service,
      outcome: 'failed',
      timings: { total: 0 },
      error: { code: 'engine-unreachable', message },
    };
  }
}

async function assertTrue(
  subject: Prepared,
  way: ScenarioName,
  before: readonly unknown[],
  report: ServiceReport,
  story: string,
): Promise<void> {
  const { ends }: Scenario = SCENARIOS[way];
  const now = await versionsOf(subject);
  if (report.outcome !== 'failed') return assert.deepEqual(new Set(now), new Set([ends]), story);
  // Every report except "needs attention" promises that the old version serves as before, or that nothing was touched.
  if (exitStatus(report.error?.code ?? 'attention') !== 3) assert.deepEqual(now, before, story);
}

async function recover({ opened, subject }: Stage, story: string): Promise<void> {
  const items = await opened.app.recover([subject.service], new AbortController().signal);
  for (const { outcome, error } of items)
    assert.ok(outcome !== 'failed' && outcome !== 'busy', `${JSON.stringify(error)}\n${story}`);
}

function told({ progress }: OpenApp): string[] {
  return progress.flatMap((one) =>
    one.kind === 'step' ? [one.step.kind] : one.kind === 'debug' || one.kind === 'note' ? [one.text] : [],
  );
}

function isNow(calls: readonly Call[], { what, nth, since }: Moment): boolean {
  const from = since ? calls.findIndex((_, at) => isNow(calls.slice(0, at + 1), since)) : 0;
  return from >= 0 && timesOf(calls.slice(from), what) === nth;
}

function timesOf(calls: readonly Call[], what: string): number {
  return calls.filter((one) => one.what === what).length;
}
