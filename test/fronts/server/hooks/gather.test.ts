// Pushes within some seconds are one check; with a simulated clock.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { PushedRepository } from '../../../../src/core/webhooks/hint.ts';
import { type Gathered, gatherPushes, type Sender } from '../../../../src/fronts/server/hooks/gather.ts';
import { openHooks, receiveHook } from '../../../../src/fronts/server/hooks/receive.ts';
import { hookOf, sent } from './sent.ts';

const SENDER = { hook: 'hub', address: '192.0.2.7' };

const push = (repository: string, ...tags: string[]): PushedRepository => ({ repository, tags });

/** A clock that only the test moves. */
function handClock() {
  let now = 0;
  const sleepers = new Set<{ until: number; wake: () => void }>();
  return {
    now: () => now,
    sleep: (ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        const sleeper = { until: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal.addEventListener('abort', () => resolve());
      }),
    async move(ms: number) {
      now += ms;
      for (const sleeper of [...sleepers].filter(({ until }) => until <= now)) {
        sleepers.delete(sleeper);
        sleeper.wake();
      }
      await setImmediate();
    },
  };
}

function lab(check: (pushes: readonly PushedRepository[]) => Promise<void> = async () => {}) {
  const clock = handClock();
  const ended = new AbortController();
  const checks: (readonly PushedRepository[])[] = [];
  const senders: (readonly Sender[])[] = [];
  const errors: unknown[] = [];
  const gathered: Gathered = gatherPushes({
    clock,
    signal: ended.signal,
    check: (pushes, from) => {
      checks.push(pushes);
      senders.push(from);
      return check(pushes);
    },
    onError: (raised) => errors.push(raised),
  });
  return { clock, ended, checks, senders, errors, gathered };
}

test('several pushes to a repository are one check, of all their tags', async () => {
  const { clock, checks, gathered } = lab();
  for (const tag of ['1', '2', '1']) {
    gathered.add([push('r.example/a', tag)], SENDER);
    await clock.move(1500);
    assert.deepEqual(checks, []);
  }
  await clock.move(500);
  assert.deepEqual(checks, [[push('r.example/a', '1', '2')]]);
  assert.equal(gathered.size, 0);
});

test('a push without a tag makes it all tags', async () => {
  const { clock, checks, gathered } = lab();
  gathered.add([push('r.example/a', '1'), push('r.example/a')], SENDER);
  await clock.move(2000);
  assert.deepEqual(checks, [[push('r.example/a')]]);
});

test('pushes that never pause wait ten seconds, not for ever', async () => {
  const { clock, checks, gathered } = lab();
  for (let at = 0; at < 10; at++) {
    gathered.add([push('r.example/a', String(at))], SENDER);
    assert.equal(checks.length, 0, `after ${at} s`);
    await clock.move(1000);
  }
  assert.equal(checks.length, 1);
});

test('a repository does not wait for another one', async () => {
  const { clock, checks, gathered } = lab();
  gathered.add([push('r.example/a', '1')], SENDER);
  await clock.move(1500);
  gathered.add([push('r.example/b', '1')], SENDER);
  await clock.move(500);
  assert.deepEqual(checks, [[push('r.example/a', '1')]]);
  await clock.move(1500);
  assert.deepEqual(checks[1], [push('r.example/b', '1')]);
});

test('what comes during a check is checked after it, and a check that fails ends nothing', async () => {
  let end = (): void => {};
  const { clock, checks, errors, gathered } = lab(
    () => new Promise((_, reject) => (end = () => reject(new Error('away')))),
  );
  gathered.add([push('r.example/a', '1')], SENDER);
  await clock.move(2000);
  for (const tag of ['2', '3']) gathered.add([push('r.example/a', tag)], SENDER);
  await clock.move(60_000);
  assert.equal(checks.length, 1);
  end();
  await clock.move(0);
  assert.deepEqual(checks[1], [push('r.example/a', '2', '3')]);
  assert.deepEqual(errors.map(String), ['Error: away']);
  end();
  await clock.move(0);
  gathered.add([push('r.example/a', '4')], SENDER);
  await clock.move(2000);
  assert.equal(checks.length, 3);
});

test('a flood of repositories has a bound', async () => {
  const { clock, checks, gathered } = lab();
  for (let at = 0; at < 5000; at++) gathered.add([push(`r.example/a${at}`, '1')], SENDER);
  gathered.add([push('r.example/a0', '2')], SENDER);
  assert.equal(gathered.size, 1000);
  await clock.move(2000);
  assert.equal(checks[0]?.length, 1000);
  assert.deepEqual(checks[0]?.[0]?.tags, ['1', '2']);
});

test('after the end nothing is checked', async () => {
  const { clock, checks, ended, gathered } = lab();
  gathered.add([push('r.example/a', '1')], SENDER);
  ended.abort();
  await clock.move(2000);
  assert.deepEqual(checks, []);
});

test('a sender gets its answer before the check begins', async () => {
  const clock = handClock();
  const checks: unknown[] = [];
  const world = openHooks({
    hooks: () => ({ hub: hookOf('docker-hub', 'url-secret') }),
    clock,
    signal: new AbortController().signal,
    check: async (pushes) => void checks.push(pushes),
    onError: (raised) => assert.fail(String(raised)),
  });
  const body = { push_data: { tag: '1' }, repository: { repo_name: 'acme/shop' } };
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => receiveHook('hub', sent('docker-hub', 'url-secret', body), world)),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [202]);
  assert.deepEqual(checks, []);
  await clock.move(2000);
  assert.deepEqual(checks, [[push('docker.io/acme/shop', '1')]]);
});

test('a check names the hooks that reported its pushes, each sender once', async () => {
  const { clock, senders, gathered } = lab();
  const other = { hook: 'ghcr', address: '192.0.2.8' };
  for (const sender of [SENDER, other, SENDER]) gathered.add([push('r.example/a', '1')], sender);
  await clock.move(2000);
  assert.deepEqual(senders, [[SENDER, other]]);
});
