// The use cases through the real API, over an engine in memory.

import assert from 'node:assert/strict';
import path from 'node:path';
import test, { suite } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import type { Progress } from '../../../src/core/report/progress.ts';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import { remoteApp } from '../../../src/fronts/client/app.ts';
import { siteOf } from '../server/http/site.ts';

const signal = new AbortController().signal;

async function clientOf(t: test.TestContext, services: readonly string[]) {
  const site = await siteOf(t, services);
  const progress: Progress[] = [];
  const address = `unix://${path.join(site.folder, 'api.sock')}`;
  const { app, close } = remoteApp({ address, token: undefined }, (one) => progress.push(one));
  t.after(close);
  return { ...site, app, progress };
}

suite('through the API', () => {
  test('a roll has the report, and the steps as progress', async (t) => {
    const { world, app, progress } = await clientOf(t, ['shop/web']);
    world.newer();
    const [report] = await app.roll(['web'], { signal });
    assert.deepEqual([report?.service, report?.outcome], ['shop/web', 'rolled']);
    assert.ok(progress.length > 5);
    // As on the engine itself, the strategy comes before the steps.
    const first = progress.findIndex((one) => one.kind === 'slot');
    assert.match(JSON.stringify(progress[first]), /"slot":"shop-web","strategy":"start-first","because":"./);
    assert.ok(progress.slice(0, first).every((one) => one.kind === 'note' && !one.text.startsWith('shop-web: ')));
    assert.equal(progress.filter((one) => one.kind === 'slot').length, 1);
  });

  test('the documents are those of the engine itself', async (t) => {
    const { world, process, app } = await clientOf(t, ['shop/web', 'shop/db']);
    world.newer();
    const here = process.app;
    assert.deepEqual(await app.status([]), JSON.parse(JSON.stringify(await here.status([]))));
    assert.deepEqual(await app.history('web'), JSON.parse(JSON.stringify(await here.history('web'))));
    const plan = (one: typeof app) => one.plan(['shop/web'], { signal, explain: true });
    assert.deepEqual(await plan(app), JSON.parse(JSON.stringify(await plan(here))));
    const request = {
      signal,
      target: askedTarget({ image: 'app:live' }),
      force: true,
      pull: 'never',
      overrides: { strategy: 'stop-first', settle: '9s' },
    } as const;
    const planned = await app.plan(['shop/web', 'shop/db'], request);
    assert.deepEqual(
      planned.map(({ service, slots }) => [service, slots[0]?.strategy]),
      [
        ['shop/web', 'stop-first'],
        ['shop/db', 'stop-first'],
      ],
    );
    assert.deepEqual(planned[0], JSON.parse(JSON.stringify((await here.plan(['shop/web'], request))[0])));
    assert.deepEqual(await app.check(['web'], signal), JSON.parse(JSON.stringify(await here.check(['web'], signal))));
  });

  test('a rollback and an update have their reports', async (t) => {
    const { world, app } = await clientOf(t, ['shop/web']);
    world.newer();
    const { services } = await app.update([], { signal });
    assert.deepEqual(
      services.map(({ outcome }) => outcome),
      ['updated'],
    );
    assert.equal((await app.rollback('web', { signal })).outcome, 'rolled-back');
  });

  test('an unknown service is not found', async (t) => {
    const { app } = await clientOf(t, ['web']);
    await assert.rejects(
      app.roll(['wbe'], { signal }),
      (error) => error instanceof SwapError && error.code === 'not-found',
    );
  });
});
