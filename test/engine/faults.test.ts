// The engine fails, at one call of a roll after the other: what is left is the old container or the new one, and the report
// says which. SWAPCTL_TEST_LONG=1: every call, with every fault.
import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineError } from '../../src/core/engine-error.ts';
import type { ServiceReport } from '../../src/core/report.ts';
import type { Way } from '../../src/core/way.ts';
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

const FAULTS: readonly Fault[] = [
  { kind: 'cut-after' },
  { kind: 'cut-before' },
  { kind: 'cut-middle' },
  { kind: 'answer', status: 500 },
  { kind: 'answer', status: 409 },
  { kind: 'answer', status: 404 },
];

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

for (const way of WAYS) {
  test(`${way}: whichever call the engine fails at, one container is left, and the report is true`, async (t) => {
    const world = testWorld(t);
    const bench = await slotBench(world, way, way);
    const proxy = await faultProxy(t, world);
    const opened = await openApp(proxy.engine);
    const watch = await watchSlots(world, bench.images['1'] ?? '');
    t.after(async () => {
      watch.end();
      opened.close();
    });
    const stage = { bench, proxy, opened, watch };
    const calls = await goodRoll(stage);
    const cases = LONG ? everyCase(calls) : sample(calls);
    const tally = new Map<string, number>();
    for (const one of cases) {
      const what = `${kindOf(one.fault)} at ${one.what} #${one.nth}`;
      const outcome = await survive(stage, one).catch((error) => {
        throw new Error(`${what}: ${error.message}\n${story(stage)}`, { cause: error });
      });
      tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
      if (process.env.SWAPCTL_TEST_TELL) t.diagnostic(`${what}: ${outcome}`);
    }
    t.diagnostic(`${cases.length} faults: ${[...tally].map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`);
  });
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

// Each change once with the fault that is hardest to tell from success, and in turn with another; each look once.
function sample(calls: readonly Call[]): Case[] {
  const each = everyCall(calls).filter(({ nth, changes }) => changes || nth === 1);
  return each.flatMap(({ what, nth, changes }, at) => {
    const other = FAULTS[1 + (at % (FAULTS.length - 1))] as Fault;
    const faults: Fault[] = changes ? [{ kind: 'cut-after' }, other] : [other];
    return faults.map((fault) => ({ fault, what, nth }));
  });
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
