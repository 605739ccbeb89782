// The output of plan for a Swarm service, and the refusals.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { ownLabels } from '../../../src/core/model/own-labels.ts';
import { readPolicy } from '../../../src/core/settings/read.ts';
import { howSwarm, notesOn, whyNot } from '../../../src/core/swarm/capability.ts';
import { standstill, standstillMs } from '../../../src/core/swarm/deadline.ts';
import { failureConfig, historyConfig, lockConfig, memoryOf } from '../../../src/core/swarm/memory.ts';
import type { SwarmService } from '../../../src/core/swarm/model.ts';
import { NEW, OLD, seen, service, task } from './builders.ts';

const policy = (labels: Record<string, string> = {}) => readPolicy(ownLabels({ name: 'web', imageId: '', labels }, {}));
const NODES = [{ id: 'n', name: 'one', ready: true, availability: 'active' as const }];

test('one sentence says how Swarm replaces tasks', () => {
  const text = howSwarm(service({ replicas: 3 }));
  assert.match(
    text,
    /^Swarm replaces 3 tasks, 1 at a time, start-first, by its update_config; a failure within 5\.0 s/,
  );
});

suite('a plan notes', () => {
  const config = service({}).updateConfig;
  const cases: readonly [string, Partial<SwarmService>, Record<string, string>, boolean | undefined, RegExp][] = [
    ['a missing HEALTHCHECK', {}, {}, false, /no HEALTHCHECK/],
    ['a gap', { replicas: 1, updateConfig: { ...config, order: 'stop-first' } }, {}, true, /nobody answers/],
    ['ports of the node', { hostPorts: [80] }, {}, true, /port 80/],
    ['a strategy that Swarm does not take', {}, { 'swapctl.strategy': 'stop-first' }, true, /does not change/],
    ['a short monitor', { updateConfig: { ...config, monitorMs: 1000 } }, {}, true, /update_config\.monitor/],
  ];
  for (const [what, of, labels, check, says] of cases)
    test(what, () => {
      assert.match(notesOn(service(of), policy(labels), NODES, check).join('\n'), says);
      assert.doesNotMatch(notesOn(service({}), policy(), NODES, true).join('\n'), says);
    });
});

test('an update under way is busy, a paused one is refused unless it is forced', () => {
  const update = (state: 'updating' | 'paused') => ({ state, startedAt: 0, message: 'said' });
  assert.equal(whyNot(service({ update: update('updating') }), policy(), true)?.code, 'busy');
  assert.equal(whyNot(service({ update: update('paused') }), policy(), false)?.code, 'refused');
  assert.equal(whyNot(service({ update: update('paused') }), policy(), true), undefined);
});

test('the deadline follows the health check, and waits longer while a node pulls', () => {
  const check = { Test: ['CMD', 'true'], Interval: 1e9, Timeout: 1e9, Retries: 3 };
  const quiet = standstillMs(seen({}, []), policy(), check);
  assert.equal(quiet, 6000 + 10_000 + 5000 + 12_000);
  assert.equal(standstillMs(seen({}, [task({ state: 'preparing' })]), policy(), check), quiet + 600_000);
  assert.ok(standstillMs(seen({}, []), policy({ 'swapctl.health.timeout': '1s' }), check) < quiet);
  const stuck = task({ state: 'pending', error: 'no suitable node (insufficient resources on 1 node)' });
  assert.match(standstill(seen({}, [stuck]), NEW), /1 new task stays pending: no suitable node/);
});

suite('memory', () => {
  const web = {
    id: 'x'.repeat(25),
    name: 'w'.repeat(63),
    labels: ownLabels({ name: 'w', imageId: '', labels: { 'com.docker.stack.namespace': 'shop' } }, {}),
  };
  const kept = (config: ReturnType<typeof lockConfig>) => ({ ...config, id: config.name, version: 1, createdAt: 5 });
  const lock = { service: web.name, roll: 'r', holder: 'h', from: OLD, to: NEW, event: 'rolled' } as const;
  const failure = {
    image: 'app:2',
    digest: NEW.split('@')[1] ?? '',
    at: '2026-01-01T00:00:00Z',
    roll: 'r',
    note: { code: 'not-healthy', reason: 'ended', tries: 2, health: [], log: ['a'] },
  } as const;
  const entry = { at: '2026-01-01T00:00:00Z', follows: 'app:1', id: 'sha256:1', event: 'rolled' } as const;

  test('what is written is read again, under names that Swarm takes, and goes with the stack', () => {
    const all = [lockConfig(web, lock), historyConfig(web, [entry]), failureConfig(web, failure)].map(kept);
    for (const { name, labels } of all) {
      assert.match(name, /^[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?$/);
      assert.ok(name.length <= 64);
      assert.equal(labels['com.docker.stack.namespace'], 'shop');
    }
    const memory = memoryOf(web.id, all);
    assert.deepEqual(memory.lock?.note, lock);
    assert.deepEqual(memory.history?.entries, [entry]);
    assert.deepEqual(
      memory.failures.map(({ digest, note }) => [digest, note]),
      [[failure.digest, failure.note]],
    );
  });

  test('what others wrote, or is damaged, does not count', () => {
    const good = kept(lockConfig(web, lock));
    const forged = [
      { ...good, name: 'mine' },
      { ...good, data: 'not JSON' },
      { ...good, data: '{"from":1}' },
      { ...good, labels: {} },
    ];
    for (const one of forged) assert.equal(memoryOf(web.id, [one]).lock, undefined);
    assert.equal(memoryOf('other', [good]).lock, undefined);
  });
});
