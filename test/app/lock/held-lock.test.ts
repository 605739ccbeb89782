import assert from 'node:assert/strict';
import test from 'node:test';
import { guarded } from '../../../src/app/lock/guard.ts';
import { takeLock } from '../../../src/app/lock/held-lock.ts';
import type { Container, CreateRequest } from '../../../src/core/model/container.ts';
import { EngineError } from '../../../src/core/model/engine-error.ts';
import { encodeState } from '../../../src/core/service/labels.ts';
import { isPlausible } from '../../../src/core/service/lock.ts';
import type { Ports } from '../../../src/ports/ports.ts';
import { decoded } from '../../core/own.ts';

/** Ports with a clock that advances only during a sleep, by the result of `passes`. */
function portsWhere(passes: () => number, heartbeat: () => Promise<void>): { ports: Ports; beaten: Promise<void> } {
  let now = 0;
  let told = () => {};
  const beaten = new Promise<void>((resolve) => {
    told = resolve;
  });
  const lock = { id: 'lock' } as Container;
  const engine = {
    facts: async () => ({ product: 'docker' }),
    image: async (id: string) => ({ id, config: {} }),
    create: async () => 'lock',
    container: async () => lock,
    remove: async () => {},
    setRestart: () => heartbeat().then(told),
  };
  const clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async () => {
      now += passes();
      // Other tasks get their turn.
      await new Promise((turn) => setImmediate(turn));
    },
  };
  const host = { randomId: () => 'mark', holder: 'me', isAlive: () => true };
  return { ports: { engine, clock, host, report: () => {} } as unknown as Ports, beaten };
}

test('a process that stood still keeps its lock where its connection was closed meanwhile', async () => {
  let calls = 0;
  const { ports, beaten } = portsWhere(
    () => 60_000,
    async () => {
      calls++;
      if (calls === 1) throw new EngineError(0, 'the engine broke the connection');
    },
  );
  const heldLock = await takeLock(ports, 'web', ['image']);
  await beaten;
  assert.equal(heldLock.lost.aborted, false);
  await heldLock.release();
});

test('a lock that the engine does not let beat any more counts as lost', async () => {
  const { ports } = portsWhere(
    () => 2000,
    () => Promise.reject(new EngineError(500, 'it can not be updated')),
  );
  const heldLock = await takeLock(ports, 'web', ['image']);
  await new Promise((lost) => heldLock.lost.addEventListener('abort', lost));
  assert.match(String(heldLock.lost.reason), /the lock of web was lost/);
});

/** A holder that was suspended right after it took the lock: it sends no heartbeat, and its clocks show the time that passed. */
function suspended(answer: () => Promise<void>) {
  const passed = { monotonic: 0, wall: 0 };
  const asked: string[] = [];
  const engine = {
    facts: async () => ({ product: 'docker' }),
    image: async (id: string) => ({ id, config: {} }),
    create: async () => 'lock',
    container: async () => undefined,
    setRestart: async () => {
      asked.push('beat');
      await answer();
    },
    tag: async () => void asked.push('tag'),
  };
  const clock = { now: () => passed.wall, monotonic: () => passed.monotonic, sleep: () => new Promise(() => {}) };
  const host = { randomId: () => 'mark', holder: 'me', isAlive: () => true };
  return { passed, asked, ports: { engine, kernel: {}, clock, host, report: () => {} } as unknown as Ports };
}

for (const clock of ['monotonic', 'wall'] as const)
  test(`a holder that was suspended changes nothing once its lock was taken (told by the ${clock} clock)`, async () => {
    const { passed, asked, ports } = suspended(() => Promise.reject(new EngineError(404, 'no such container')));
    const heldLock = await takeLock(ports, 'web', ['image']);
    const { engine } = guarded(ports, heldLock);
    passed[clock] += 8000;
    await assert.rejects(engine.tag('old', 'app:1'), { code: 'attention', message: 'the lock of web was lost' });
    assert.deepEqual(asked, ['beat', 'beat'], 'asked, once more for a broken connection, and not tagged');
    assert.equal(heldLock.lost.aborted, true);
    await assert.rejects(engine.tag('old', 'app:1'), { code: 'attention' });
    assert.equal(asked.length, 2);
  });

test('a holder that was suspended and still has its lock goes on; a fresh beat is not asked for again', async () => {
  const { passed, asked, ports } = suspended(async () => {});
  const heldLock = await takeLock(ports, 'web', ['image']);
  const { engine } = guarded(ports, heldLock);
  await engine.tag('old', 'app:1');
  assert.deepEqual(asked, ['tag']);
  passed.monotonic += 8000;
  await engine.tag('old', 'app:1');
  await engine.tag('old', 'app:1');
  assert.deepEqual(asked, ['tag', 'beat', 'tag', 'tag']);
});

test('a lock is plausible as long as it is changed about as often as a living holder does', () => {
  for (const [ageMs, heartbeats, plausible] of [
    [0, 0, true],
    [6000, 0, true],
    [60_000, 0, false],
    [60_000, 29, true],
    [60_000, 20, true],
    [60_000, 10, false],
    [60_000, 1_000_000, false],
    [3_600_000, 1700, true],
  ] as const)
    assert.equal(isPlausible(ageMs, heartbeats), plausible, `${heartbeats} beats in ${ageMs} ms`);
});

/** Another process's lock appears in `looks` observations; its name stays taken for another `conflicts` tries. */
function lockOfOthers(
  looks: number,
  conflicts: number,
  lives: boolean | undefined,
  incumbents: readonly string[] = [],
) {
  const clock = { at: 0 };
  const asked: string[] = [];
  const notes: string[] = [];
  const made: (readonly string[])[] = [];
  const labels = encodeState({
    role: 'lock',
    service: 'web',
    slot: 'web',
    roll: 'theirs',
    holder: 'them',
    ...TAG,
    incumbents,
    at: '',
  });
  const config = { Labels: { ...labels, 'swapctl.state.base': 'image' } };
  const lock = { id: 'theirs', name: 'web.swapctl-lock', imageId: 'image', createdAt: 0, config, host: {} };
  let left = looks;
  let tries = conflicts;
  const seen = () => (left > 0 ? lock : undefined);
  const engine = {
    facts: async () => ({ product: 'docker', clockOffsetMs: 0 }),
    image: async (id: string) => ({ id, config: {}, digests: [] }),
    list: async () => [],
    container: async () => {
      const now = seen();
      left -= 1;
      return now;
    },
    create: async ({ config }: CreateRequest) => {
      if (seen() || tries-- > 0) throw new EngineError(409, 'the name is in use');
      made.push(decoded(config.Labels ?? {})?.incumbents ?? []);
      return 'ours';
    },
    setRestart: async () => {},
    tag: async () => void asked.push('tag'),
    remove: async () => {
      asked.push('remove');
      left = 0;
    },
  };
  const ports = {
    engine,
    kernel: {},
    clock: {
      now: () => clock.at,
      monotonic: () => clock.at,
      sleep: async (ms: number) => {
        clock.at += ms;
        await new Promise((turn) => setImmediate(turn));
      },
    },
    host: { randomId: () => 'mark', holder: 'me', isAlive: () => lives },
    report: (one: { kind: string; text: string }) => {
      if (one.kind === 'note') notes.push(one.text);
    },
  } as unknown as Ports;
  return { ports, asked, notes, made };
}
const TAG = { follows: 'app:1', image: 'new', tagBefore: 'old' };

test('a name that the engine frees only after the container is gone is waited for', async () => {
  const { ports, asked, notes } = lockOfOthers(0, 40, undefined);
  const heldLock = await takeLock(ports, 'web', ['image']);
  assert.deepEqual([asked, notes], [[], []]);
  await heldLock.release();
});

test('a lock that its holder releases while it is watched is no dead one: nothing of it is undone', async () => {
  const { ports, asked, notes } = lockOfOthers(4, 3, undefined);
  const heldLock = await takeLock(ports, 'web', ['image']);
  assert.deepEqual([asked, notes], [[], []], 'its tag is where its roll put it');
  await heldLock.release();
});

test('where the name never becomes free, the roll ends as busy', async () => {
  const { ports } = lockOfOthers(0, Number.POSITIVE_INFINITY, undefined);
  await assert.rejects(takeLock(ports, 'web', ['image']), {
    code: 'busy',
    message: /web\.swapctl-lock has been in use for 15 s/,
  });
});

test('the lock that replaces the one of a dead holder names the incumbents of both', async () => {
  const { ports, made } = lockOfOthers(Number.POSITIVE_INFINITY, 0, false, ['a'.repeat(64), 'b'.repeat(64)]);
  const heldLock = await takeLock(ports, 'web', ['image'], { incumbents: ['b'.repeat(64), 'c'.repeat(64)] });
  await heldLock.release();
  assert.deepEqual(
    made.map((incumbents) => [...incumbents].sort()),
    [['a', 'b', 'c'].map((digit) => digit.repeat(64))],
  );
});
