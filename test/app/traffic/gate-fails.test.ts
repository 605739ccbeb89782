// nft is killed, or hangs, when its gate rules are already in force.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { assertAnswered, assertSafe } from '../../matrix/checks.ts';
import { SETUPS, type SetupName } from '../../matrix/setups.ts';
import { command, type Stage, stageOf } from '../../matrix/stage.ts';
import type { Failure, Process } from '../../memory/process.ts';

const HOWS: readonly Failure[] = ['answer lost', 'timeout'];

async function shutsOf(name: SetupName): Promise<number> {
  const stage = await stageOf(SETUPS[name]);
  const process = stage.open();
  await command(stage, process);
  return process.calls.filter(({ what }) => what === 'kernel.shut').length;
}

async function rolled(stage: Stage, process: Process): Promise<void> {
  const report = await command(stage, process);
  assert.ok(report !== 'died' && report.outcome === 'rolled', JSON.stringify(report));
  assertAnswered(stage, report);
  assertSafe(stage, { memories: true, soon: true });
}

suite('each container is opened all the same', () => {
  for (const name of ['start-first', 'handover', 'compose'] satisfies SetupName[])
    test(name, async (t) => {
      const shuts = await shutsOf(name);
      for (let nth = 1; nth <= shuts; nth++)
        for (const how of HOWS) {
          const stage = await stageOf(SETUPS[name]);
          const process = stage.open();
          process.fail('kernel.shut', nth, how);
          await rolled(stage, process);
        }
      t.diagnostic(`${shuts * HOWS.length} tried`);
    });
});
