// One roll of a service at a time, for all callers.
import assert from 'node:assert/strict';
import test from 'node:test';
import { momentReader, momentText } from '../../chaos/moments.ts';
import { rollArgs } from '../../chaos/scenarios.ts';
import { swapctl } from '../../lab/cli.ts';
import { testWorld } from '../../lab/world.ts';
import { quickly } from '../compose-app.ts';
import { appOf, assertOneIsLeft, outdated } from './outdated.ts';

test('of two rolls at once one wins, and the other is busy and harms nothing', async (t) => {
  const world = testWorld(t);
  const name = await outdated(world, 'web');
  const both = [1, 2].map(() => swapctl(rollArgs(name), { env: world.env, netns: world.netns }));
  const outcomes = (await Promise.all(both)).map(({ json }) => json().error?.code ?? json().outcome);
  // On a busy machine the second may begin after the first has ended.
  const others = outcomes.filter((outcome) => outcome !== 'rolled');
  assert.ok(others.length === 1 && /^(busy|unchanged)$/.test(others[0]), outcomes.join());
  assert.equal(await assertOneIsLeft(world, name), '2');
});

test('a roll in the middle keeps a second one away, and recover as well', async (t) => {
  const world = testWorld(t);
  const name = await outdated(world, 'web');
  const app = await appOf(world);
  const read = momentReader();
  let met = false;
  const first = await swapctl(rollArgs(name), {
    env: world.env,
    netns: world.netns,
    atLine: async (line) => {
      const moment = read(line);
      if (!moment || momentText(moment) !== 'after rename#1') return;
      const [report] = await app.roll([name], quickly());
      assert.equal(report?.error?.code, 'busy', JSON.stringify(report));
      const items = await app.recover([name], new AbortController().signal);
      assert.deepEqual(
        items.map(({ outcome }) => outcome),
        ['busy'],
      );
      met = true;
    },
  });
  assert.ok(met, first.stderr);
  assert.equal(first.json().outcome, 'rolled', first.stderr);
  assert.equal(await assertOneIsLeft(world, name), '2');
});
