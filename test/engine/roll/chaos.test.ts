// A sample of npm run test:chaos on a real engine; test/full/roll/chaos.test.ts is its short form. One container per slot is left, and
// the report is true.
import assert from 'node:assert/strict';
import test from 'node:test';
import { AT_ONCE, assertAllSafe } from '../../chaos/all-safe.ts';
import type { Tried } from '../../chaos/cell.ts';
import type { Kill, Then } from '../../chaos/kills.ts';
import { killTries } from '../../chaos/tries.ts';
import { testWorld } from '../../lab/world.ts';

const KILLS: readonly (readonly [Then, readonly Kill[]])[] = [
  [
    'recover',
    [
      { way: 'start-first', at: { when: 'after', kind: 'create', nth: 1 } },
      { way: 'start-first', at: { when: 'after', kind: 'rename', nth: 1 } },
      { way: 'handover', at: { when: 'after', kind: 'cover', nth: 1 } },
      { way: 'stop-first', at: { when: 'answered', call: 'POST /containers/{id}/stop', nth: 1 } },
    ],
  ],
  [
    'roll',
    [
      { way: 'handover', at: { when: 'before', kind: 'stop', nth: 2 } },
      { way: 'rehearsed', at: { when: 'before', kind: 'pass-rehearsal', nth: 1 } },
      { way: 'scaled', at: { when: 'before', kind: 'create', nth: 2 } },
      { way: 'rollback', at: { when: 'answered', call: 'POST /containers/{id}/rename', nth: 2 } },
    ],
  ],
];

test('a swapctl that is killed at a sample of moments loses nothing', async (t) => {
  const world = testWorld(t);
  const tries = KILLS.flatMap(([then, kills]) => killTries(kills, then, AT_ONCE));
  const tried: Tried[] = [];
  for (const one of tries) tried.push(...(await one.run(world)));
  assertAllSafe(t, tried);
  for (const one of tried) assert.ok(one.safe && !one.outcome.notMet, `${one.way}, ${one.moment} was met`);
});
