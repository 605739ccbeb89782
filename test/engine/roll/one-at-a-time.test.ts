// One roll of a service at a time, whoever begins it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { killed } from '../../chaos/kills.ts';
import { type Moment, momentReader, momentText } from '../../chaos/moments.ts';
import { assertSafe } from '../../chaos/subject.ts';
import { rollArgs } from '../../chaos/ways.ts';
import { swapctl } from '../../lab/cli.ts';
import { testWorld } from '../../lab/world.ts';
import { containerNames, quickly } from '../compose-app.ts';
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

test('recover of one service leaves the half-done rolls of the others alone', async (t) => {
  const world = testWorld(t);
  const app = await appOf(world);
  const at: Moment = { when: 'after', kind: 'create', nth: 1 };
  const rolls = await Promise.all([1, 2].map(() => killed(world, { way: 'start-first', at })));
  const [first, second] = rolls.map(({ subject }) => subject);
  assert.ok(first && second);
  const signal = new AbortController().signal;
  await assert.rejects(app.recover([first.service, `${first.service}-not`], signal), { code: 'not-found' });
  const items = await app.recover([first.service], signal);
  assert.deepEqual([...new Set(items.map(({ service }) => service))], [first.service]);
  assert.equal(await assertSafe(first, true), '1');
  const names = await containerNames(world);
  assert.ok(names.includes(`${second.name}.swapctl-next`), names.join());
  assert.ok((await app.recover([second.service], signal)).length > 0);
  assert.equal(await assertSafe(second, true), '1');
});
