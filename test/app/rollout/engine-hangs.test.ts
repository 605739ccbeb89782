// The engine, or nft, hangs while a new container becomes healthy: for longer than the time limit for that.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { freshMemory, recall, type SlotRun } from '../../../src/app/rollout/slot-run.ts';
import { awaitHealthy } from '../../../src/app/rollout/steps/await-healthy.ts';
import { EngineError } from '../../../src/core/model/engine-error.ts';
import { container } from '../../core/builders.ts';
import { policyOf } from '../../core/own.ts';
import { SETUPS, type SetupName } from '../../matrix/setups.ts';
import { command, stageOf } from '../../matrix/stage.ts';

const HANGS_MS = 30_000;
// The container is healthy after this number of calls.
const WAITED_FOR = 20;

/** The observations while a newly started container becomes healthy, counted from 1. */
async function looks(name: SetupName): Promise<number[]> {
  const stage = await stageOf(SETUPS[name]);
  const process = stage.open();
  await command(stage, process);
  const kinds = process.calls.map(({ what }) => what);
  const waited = kinds.flatMap((kind, at) => (kind === 'engine.start' ? [[at, at + WAITED_FOR] as const] : []));
  const all = kinds.flatMap((kind, at) => (kind === 'engine.container' ? [at] : []));
  return all.flatMap((at, nth) => (waited.some(([from, to]) => at > from && at < to) ? [nth + 1] : []));
}

suite('the image is not blamed for the time in which nobody could look', () => {
  for (const name of ['start-first', 'handover', 'rehearsed', 'compose'] satisfies SetupName[])
    test(name, async (t) => {
      const tried = await looks(name);
      for (const nth of tried) {
        const stage = await stageOf(SETUPS[name]);
        const process = stage.open();
        process.fail('engine.container', nth, 'timeout');
        const report = await command(stage, process);
        assert.ok(report !== 'died' && report.outcome === 'rolled', `look ${nth}: ${JSON.stringify(report)}`);
      }
      t.diagnostic(`${tried.length} looks`);
    });
});

const STARTED = 1000;
const POLICY = policyOf({ 'swapctl.health.cmd': 'true', 'swapctl.health.timeout': '5s' });

interface Hanging {
  readonly exec?: boolean;
  readonly shut?: boolean;
}

/** A run that waits for one container while one of its first calls hangs. */
function waiting(hanging: Hanging): SlotRun {
  let now = STARTED;
  let probes = 0;
  const hang = async (yes: boolean | undefined): Promise<void> => {
    if (!yes) return;
    now += HANGS_MS;
    throw new EngineError(0, 'no answer within 30 s');
  };
  const sleep = async (ms: number): Promise<void> => {
    now += ms;
  };
  const one = { ...container({ id: 'new', name: 'web', startedAt: STARTED }), pid: 7, status: 'running' as const };
  const memory = freshMemory();
  if (hanging.shut) memory.shut.set('new', STARTED);
  const engine = {
    container: async () => one,
    exec: async () => {
      probes += 1;
      if (probes === 1) await hang(hanging.exec);
      return { exitCode: probes > 1 ? 0 : 1, output: 'starting' };
    },
  };
  return {
    memory,
    policy: POLICY,
    answered: { ports: [], required: false },
    names: { slotName: 'web' },
    signal: new AbortController().signal,
    now: () => now,
    ports: {
      engine,
      kernel: { shut: () => hang(hanging.shut) },
      clock: { now: () => now, sleep },
      report: () => {},
    },
  } as unknown as SlotRun;
}

suite('so it is while', () => {
  for (const hanging of [{ exec: true }, { shut: true }] satisfies Hanging[])
    test(`${Object.keys(hanging)} hangs`, async () => {
      const run = waiting(hanging);
      await awaitHealthy(run, 'new');
      assert.ok(run.now() >= STARTED + HANGS_MS, 'it hung');
      assert.notEqual(recall(run, { id: 'new', startedAt: STARTED }).healthySince, undefined);
    });
});
