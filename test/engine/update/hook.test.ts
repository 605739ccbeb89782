// The notification of a real registry, and its effect in swapctl.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import type { PushedRepository } from '../../../src/core/webhooks/hint.ts';
import { hookOf } from '../../fronts/server/hooks/sent.ts';
import { served } from '../../fronts/server/hooks/served.ts';
import { appOn } from '../../lab/app.ts';
import { eventually } from '../../lab/waiting.ts';
import { lab } from './registry-lab.ts';
import { versionOf } from './update-world.ts';

test('a registry reports a push, and the service that tracks the tag is rolled', async (t) => {
  const login = `ci:${randomBytes(16).toString('hex')}`;
  const pushes: PushedRepository[] = [];
  const outcomes: string[] = [];
  const hooks = { registry: hookOf('distribution', 'basic', login) };
  const gathered = { add: (more: readonly PushedRepository[]) => void pushes.push(...more) };
  const world = { hooks: () => hooks, clock: { now: Date.now }, gathered, seen: new Map() };
  const url = await served(t, world, ({ outcome }) => outcomes.push(outcome));
  const own = await lab(t, { webhook: `${url.replace('//', `//${login}@`)}/registry` });

  await own.push('1', 'stable');
  await own.push('1', 'old');
  const web = await own.start('web', 'stable', { 'swapctl.enable': 'true' });
  const old = await own.start('old', 'old', { 'swapctl.enable': 'true' });
  const silent = await own.start('silent', 'stable');
  const digest = await own.push('2', 'stable');
  await eventually('the registry reports the push', async () =>
    pushes.some((push) => push.digest === digest && push.tags.includes('stable')),
  );
  assert.ok(!outcomes.includes('refused') && !outcomes.includes('malformed'), outcomes.join());

  const { app, close } = await appOn({ ...own.world, env: own.env });
  t.after(close);
  const hinted = await app.hinted([], { pushes: pushes.filter((push) => push.digest === digest) });
  const checked = hinted.map((one) => [one.service, one.checked]).sort();
  assert.deepEqual(checked, [
    [old, false],
    [silent, false],
    [web, true],
  ]);
  const only = new Set(hinted.flatMap((one) => (one.checked ? [one.service] : [])));
  const { services } = await app.update([], { only, signal: new AbortController().signal });
  assert.deepEqual(
    services.map(({ service, outcome }) => [service, outcome]),
    [[web, 'updated']],
  );
  assert.deepEqual([await versionOf(own, web), await versionOf(own, silent)], ['2', '1']);
});
