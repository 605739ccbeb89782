// The engine fails, at one call of a roll after the other: what is left is the old container or the new one, and the report
// says which. SWAPCTL_TEST_LONG=1: every call, with every fault.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { createApp } from '../../src/app.ts';
import { EngineError } from '../../src/core/engine-error.ts';
import type { ServiceReport } from '../../src/core/report.ts';
import type { Way } from '../../src/core/way.ts';
import { connect } from '../../src/docker/connect/connect.ts';
import type { Endpoint } from '../../src/docker/connect/endpoint.ts';
import { dockerEngine } from '../../src/docker/engine/engine.ts';
import type { EngineUnderTest } from '../lab/engine.ts';
import { type Call, type Fault, type FaultProxy, faultProxy } from '../lab/fault-proxy.ts';
import { testWorld } from '../lab/world.ts';
import { type OpenApp, openApp, quickly } from './compose-app.ts';
import {
  assertRecovered,
  assertTrue,
  type Bench,
  servingOf,
  slotBench,
  WAYS,
  type Watch,
  watchSlots,
} from './slot-bench.ts';

const LONG = process.env.SWAPCTL_TEST_LONG === '1';
const TELL = process.env.SWAPCTL_TEST_TELL === '1';
const AT_ONCE = { concurrency: WAYS.length };

const FAULTS: readonly Fault[] = [
  { kind: 'cut-after' },
  { kind: 'cut-before' },
  { kind: 'cut-middle' },
  { kind: 'answer', status: 500 },
  { kind: 'answer', status: 409 },
  { kind: 'answer', status: 404 },
  { kind: 'stall' },
];

// A stalled engine is given up soon here.
const PATIENCE = { read: 8000, change: 8000, idle: 8000 };

// The steps that matter most in each way; a look of each kind is the same in all of them.
const SHORT: Record<Way, (call: Call & { nth: number }) => boolean> = {
  'start-first': ({ what, nth, changes }) =>
    (changes && !what.endsWith('/update')) || (nth === 1 && /json|update/.test(what)),
  'stop-first': ({ what, nth, changes }) => changes && /create3|rename|stop1|start2|tag1/.test(`${last(what)}${nth}`),
  handover: ({ what, nth, changes }) => changes && /create3|start1|rename1|stop|start2/.test(`${last(what)}${nth}`),
};

interface Case {
  fault: Fault;
  /** The so-manieth call of its kind. */
  what: string;
  nth: number;
}

interface Stage {
  bench: Bench;
  proxy: FaultProxy;
  opened: OpenApp;
  watch: Watch;
}

test('whichever call the engine fails at, one container is left, and the report is true', AT_ONCE, async (t) => {
  await Promise.all(WAYS.map((way) => t.test(way, (t) => surviveAll(t, way))));
});

async function surviveAll(t: TestContext, way: Way): Promise<void> {
  const world = testWorld(t);
  const bench = await slotBench(world, way, way);
  const proxy = await faultProxy(t, world);
  const opened = await impatient(await openApp(proxy.engine), proxy.engine);
  const watch = await watchSlots(world, bench.images['1'] ?? '');
  t.after(async () => {
    watch.end();
    opened.close();
  });
  const stage = { bench, proxy, opened, watch };
  const calls = await goodRoll(stage);
  if (TELL)
    t.diagnostic(opened.progress.flatMap((one) => (one.kind === 'done' ? [`${one.step.kind} ${one.ms}`] : [])).join());
  const cases = LONG ? everyCase(calls) : sample(way, calls);
  const tally = new Map<string, number>();
  for (const one of cases) {
    const what = `${kindOf(one.fault)} at ${one.what} #${one.nth}`;
    const outcome = await survive(stage, one).catch((error) => {
      throw new Error(`${what}: ${error.message}\n${story(stage)}`, { cause: error });
    });
    tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
    if (TELL) t.diagnostic(`${what}: ${outcome}`);
  }
  t.diagnostic(`${cases.length} faults: ${[...tally].map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`);
}

function last(what: string): string {
  return what.slice(what.lastIndexOf('/') + 1);
}

/** The same use cases, on an engine whose answers are waited for less long. */
async function impatient(opened: OpenApp, { dockerHost }: EngineUnderTest): Promise<OpenApp> {
  const endpoint: Endpoint = { kind: 'unix', path: new URL(dockerHost).pathname, origin: 'a test' };
  const engine = dockerEngine(await connect(endpoint), endpoint, async () => undefined, PATIENCE);
  const ports = { ...opened.ports, engine };
  const close = () => {
    engine.close();
    opened.close();
  };
  return { ...opened, ports, app: createApp(ports), close };
}

/** The calls of a roll that nothing happens to. */
async function goodRoll({ bench, proxy, opened, watch }: Stage): Promise<Call[]> {
  proxy.arm(undefined, () => false);
  const [report] = await opened.app.roll([bench.name], request(bench, '2'));
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  await servingOf(bench);
  await assertNoGap(bench.way, bench, watch);
  return [...proxy.calls];
}

function request(bench: Bench, version: string) {
  return { ...quickly({ image: bench.images[version], pull: 'never', force: true }), overrides: {} };
}

// One fault after the other.
function sample(way: Way, calls: readonly Call[]): Case[] {
  const each = everyCall(calls).filter(SHORT[way]);
  return each.map(({ what, nth }, at) => ({ fault: FAULTS[at % FAULTS.length] as Fault, what, nth }));
}

function everyCase(calls: readonly Call[]): Case[] {
  return everyCall(calls).flatMap(({ what, nth }) => FAULTS.map((fault) => ({ fault, what, nth })));
}

function everyCall(calls: readonly Call[]): (Call & { nth: number })[] {
  return calls.map((call, at) => ({
    ...call,
    nth: calls.slice(0, at + 1).filter(({ what }) => what === call.what).length,
  }));
}

async function survive({ bench, proxy, opened, watch }: Stage, { fault, what, nth }: Case): Promise<string> {
  const before = await servingOf(bench);
  const to = before.version === '1' ? '2' : '1';
  opened.progress.length = 0;
  proxy.arm(fault, (call, calls) => call.what === what && calls.filter((one) => one.what === what).length === nth);
  const report = await rolled(opened, bench, to);
  const wasHit = proxy.hit() !== undefined;
  proxy.calm();
  await assertTrue(bench, before, to, report);
  if (report.outcome !== 'rolled') assertRecovered(bench, await opened.app.recover(new AbortController().signal));
  const after = await servingOf(bench);
  if (report.outcome === 'rolled') assert.equal(after.version, to);
  await assertNoGap(bench.way, bench, watch);
  return wasHit ? (report.error?.code ?? report.outcome) : 'not met';
}

async function rolled({ app }: OpenApp, bench: Bench, to: string): Promise<ServiceReport> {
  try {
    const [report] = await app.roll([bench.name], request(bench, to));
    return report ?? assert.fail('no report');
  } catch (error) {
    // Before there was a service to report of.
    assert.ok(error instanceof EngineError, String(error));
    const { message } = error;
    return {
      service: bench.name,
      outcome: 'failed',
      timings: { total: 0 },
      error: { code: 'engine-unreachable', message },
    };
  }
}

async function assertNoGap(way: Way, bench: Bench, watch: Watch): Promise<void> {
  const gaps = await watch.gaps(bench.name);
  if (way !== 'stop-first') assert.equal(gaps, 0, 'somebody always ran');
}

function kindOf(fault: Fault): string {
  return fault.kind === 'answer' ? `${fault.status}` : fault.kind;
}

function story({ opened, proxy }: Stage): string {
  const steps = opened.progress.flatMap((one) =>
    one.kind === 'step' ? [`${one.step.kind}`] : one.kind === 'debug' || one.kind === 'note' ? [one.text] : [],
  );
  return [...steps, `hit: ${proxy.hit()?.what}`].join('\n');
}
