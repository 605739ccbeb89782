// The hook understands the notification of a real registry.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import type { PushedRepository } from '../../../src/core/webhooks/hint.ts';
import { hookOf } from '../../fronts/server/hooks/sent.ts';
import { served } from '../../fronts/server/hooks/served.ts';
import { missingDownload } from '../../lab/missing.ts';
import { startRegistry } from '../../lab/registry.ts';
import { eventually } from '../../lab/waiting.ts';
import { pushImage } from './push.ts';

test('docker-registry reports pushes to a hook', { skip: missingDownload('tools') }, async (t) => {
  const login = `ci:${randomBytes(16).toString('hex')}`;
  const pushes: PushedRepository[] = [];
  const outcomes: string[] = [];
  const hooks = { registry: hookOf('distribution', 'basic', login) };
  const gathered = { add: (more: readonly PushedRepository[]) => void pushes.push(...more) };
  const world = { hooks: () => hooks, clock: { now: Date.now }, gathered, seen: new Map() };
  const url = await served(t, world, ({ outcome }) => outcomes.push(outcome));
  const registry = await startRegistry({ webhook: `${url.replace('//', `//${login}@`)}/registry` });
  t.after(() => registry.stop());

  await pushImage(registry, 'team/app:1', 'first');
  const digest = await registry.digest('team/app:1');
  await eventually('the registry reports the push', async () => pushes.length > 0);
  assert.deepEqual(pushes, [{ repository: `${registry.host}/team/app`, tags: ['1'], digest }]);
  // It reports layers, too.
  assert.deepEqual([...new Set(outcomes)].sort(), ['accepted', 'ignored']);
});
