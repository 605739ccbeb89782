// The short form of npm run test:chaos -- --fault daemon: the engine's daemon is stopped, or crashes, in the middle of a roll and comes
// back, with and without live-restore. On an engine of its own.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { tableOf } from '../../chaos/cell.ts';
import { type Outage, startLoneEngine, tryOutage } from '../../chaos/daemon.ts';
import type { EngineKind } from '../../lab/engines.ts';
import { testWorld } from '../../lab/world.ts';

const KIND = (process.env.SWAPCTL_TEST_AWAY ?? 'trixie') as EngineKind;
const skip = process.getuid?.() !== 0 && 'starting an engine takes root';

test('the daemon goes away in the middle of a roll, and with it all containers', { skip }, (t) =>
  survive(t, false, [
    { way: 'rehearsed', going: 'killed', before: { when: 'before', kind: 'await-healthy', nth: 1 } },
    { way: 'rehearsed', going: 'stopped', before: { when: 'before', kind: 'start', nth: 2 } },
    { way: 'handover', going: 'killed', before: { when: 'before', kind: 'forward', nth: 1 } },
  ]),
);

test('the daemon goes away in the middle of a roll, with live-restore', { skip }, (t) =>
  survive(t, true, [
    { way: 'start-first', going: 'stopped', before: { when: 'before', kind: 'rename', nth: 1 } },
    { way: 'handover', going: 'killed', before: { when: 'before', kind: 'stop', nth: 1 } },
  ]),
);

async function survive(t: TestContext, liveRestore: boolean, outages: readonly Outage[]): Promise<void> {
  const engine = await startLoneEngine(KIND, liveRestore);
  const world = testWorld({ after: () => {} }, engine);
  t.after(async () => {
    await world.cleanUp();
    await engine.stop();
  });
  const tried = [];
  for (const one of outages) tried.push(await tryOutage(world, engine, one));
  for (const line of tableOf(tried)) t.diagnostic(line);
  assert.ok(
    tried.every((one) => !one.safe || !one.outcome.notMet),
    'each roll came to its step',
  );
  assert.deepEqual(
    tried.flatMap((one) => (one.safe ? [] : [`${one.way}: ${one.fault} at ${one.moment}: ${one.why}`])),
    [],
  );
}
