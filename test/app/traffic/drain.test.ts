// The length of a drain, and its result for the connections that it finds.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { freshMemory, type SlotRun } from '../../../src/app/rollout/slot-run.ts';
import { drain } from '../../../src/app/traffic/drain.ts';
import type { Progress } from '../../../src/core/report/progress.ts';
import type { DrainedConnections } from '../../../src/core/report/report.ts';
import { slotNames } from '../../../src/core/service/names.ts';
import type { Closed, Connection, Diagnosis } from '../../../src/core/traffic/connections.ts';
import { container, policy } from '../../core/builders.ts';

const OLD = container({ id: 'old', name: 'web' });
const NO_SS = { available: false, why: 'ss is not installed', advice: 'install the package iproute2' } as const;

interface Scene {
  /** The answer of ss after this time. */
  readonly diagnosis: (afterMs: number) => Diagnosis;
  /** The number of connections in /proc. */
  readonly count?: (afterMs: number) => number | undefined;
  readonly drainIdle?: boolean;
  readonly gates?: boolean;
  readonly drainClose?: boolean;
  /** The result of closing these. */
  readonly close?: (ends: readonly string[]) => Closed;
}

interface Drained {
  readonly tookMs: number;
  readonly connections: DrainedConnections | undefined;
  readonly rejectingAt: number | undefined;
  readonly notes: string[];
}

/** Drains for at most 10 s, on a clock that only waiting moves. */
async function drained(scene: Scene): Promise<Drained> {
  const { diagnosis, count, drainIdle = true, gates = false, drainClose = false } = scene;
  let now = 0;
  let rejectingAt: number | undefined;
  const told: Progress[] = [];
  const memory = freshMemory();
  const run = {
    names: slotNames('web'),
    memory,
    gates,
    policy: policy({ drainMs: 10_000, drainIdle, drainClose }),
    ports: {
      clock: {
        now: () => now,
        sleep: async (ms: number) => {
          now += ms;
        },
      },
      traffic: {
        connections: async () => count?.(now),
        diagnose: async () => diagnosis(now),
        closer: async () => ({
          close: async (ends: readonly string[]) => scene.close?.(ends) ?? assert.fail('nothing is to be closed'),
          end: () => {},
        }),
      },
      kernel: {
        shut: async () => {
          rejectingAt = now;
        },
      },
      report: (one: Progress) => told.push(one),
    },
  } as unknown as SlotRun;
  await drain(run, OLD, async () => {});
  const notes = told.flatMap((one) => ('text' in one ? [one.text] : []));
  return { tookMs: now, connections: memory.drained.get('old'), rejectingAt, notes };
}

function seen(...connections: readonly Partial<Connection>[]): Diagnosis {
  const silent = {
    queued: 0,
    unacked: 0,
    sent: 9,
    received: 9,
    sinceSent: 60_000,
    sinceReceived: 60_010,
    sinceAck: 59_960,
    roundTrip: 1,
  };
  return {
    available: true,
    connections: connections.map((change, number) => ({ ends: `${number}`, ...silent, ...change })),
  };
}

const IDLE = {};
const asked = (forMs: number): Partial<Connection> => ({ sinceReceived: forMs, sinceSent: forMs + 20 });

suite('a drain', () => {
  test('is over at once without connections', async () => {
    const { tookMs, connections } = await drained({ diagnosis: () => seen() });
    assert.deepEqual([tookMs, connections], [0, { idle: 0, busy: 0, cut: 0 }]);
  });

  test('does not wait for idle connections, and says how many there are', async () => {
    const { tookMs, connections, notes } = await drained({ diagnosis: () => seen(IDLE, IDLE) });
    assert.deepEqual([tookMs, connections], [0, { idle: 2, busy: 0, cut: 0 }]);
    assert.deepEqual(notes, ['web: 2 connections are idle and will be closed when it stops']);
  });

  test('waits for a request under way to its end', async () => {
    const diagnosis = (ms: number) => (ms < 3000 ? seen(IDLE, asked(ms + 100)) : seen(IDLE, IDLE));
    const { tookMs, connections } = await drained({ diagnosis });
    assert.equal(tookMs, 3000);
    assert.deepEqual(connections, { idle: 2, busy: 1, cut: 0 });
  });

  test('waits for what moves data up to the limit, and says that it is cut', async () => {
    const { tookMs, connections, notes } = await drained({ diagnosis: () => seen(IDLE, { queued: 5 }) });
    assert.equal(tookMs, 10_000);
    assert.deepEqual(connections, { idle: 1, busy: 1, cut: 1 });
    assert.deepEqual(notes, [
      'web: 1 connection was still busy when the drain time was over',
      'web: 1 connection is idle and will be closed when it stops',
    ]);
  });

  test('waits for idle connections as well if the setting says so', async () => {
    const count = (ms: number) => (ms < 4000 ? 2 : 0);
    const { tookMs, connections } = await drained({ diagnosis: () => seen(IDLE, IDLE), count, drainIdle: false });
    assert.deepEqual([tookMs, connections], [4000, { busy: 2, cut: 0 }]);
  });

  test('waits for all connections if idle ones can not be told', async () => {
    const { tookMs, connections } = await drained({ diagnosis: () => NO_SS, count: () => 3 });
    assert.deepEqual([tookMs, connections], [10_000, { busy: 3, cut: 3 }]);
  });

  test('waits the whole time if nothing can be counted', async () => {
    const { tookMs, connections } = await drained({ diagnosis: () => NO_SS });
    assert.deepEqual([tookMs, connections], [10_000, undefined]);
  });
});

suite('the last call', () => {
  test('comes when nothing is waited for any more, and lasts until no request is under way', async () => {
    const turns = (ms: number) => {
      if (ms === 0) return seen({ sinceSent: 5, sinceReceived: 6, received: 100 });
      return seen(ms < 150 ? { ...asked(ms - 49), received: 200 } : { sinceSent: 1, sinceReceived: 90, received: 200 });
    };
    const { tookMs, rejectingAt, connections } = await drained({ diagnosis: turns, gates: true });
    assert.deepEqual([rejectingAt, tookMs], [50, 150]);
    assert.deepEqual(connections, { idle: 1, busy: 0, cut: 0 });
  });

  test('is over at once if all are idle', async () => {
    const { tookMs, rejectingAt } = await drained({ diagnosis: () => seen(IDLE), gates: true });
    assert.deepEqual([tookMs, rejectingAt], [0, 0]);
  });

  test('waits for a request that began meanwhile and turns out to be long, in what is left of the drain time', async () => {
    const turns = (ms: number) => {
      if (ms === 0) return seen({ sinceSent: 5, sinceReceived: 6, received: 100 });
      return seen({ ...(ms < 2000 ? asked(ms - 49) : { sinceSent: ms - 2000, sinceReceived: ms }), received: 200 });
    };
    const { tookMs, connections, notes } = await drained({ diagnosis: turns, gates: true });
    assert.equal(tookMs, 2500);
    assert.deepEqual(connections, { idle: 1, busy: 1, cut: 0 });
    assert.deepEqual(notes, ['web: 1 connection is idle and will be closed when it stops']);
  });

  test('gives such a request up when the drain time is over', async () => {
    const turns = (ms: number) =>
      seen(ms === 0 ? { sinceSent: 5, sinceReceived: 6 } : { ...asked(ms - 49), received: 200 });
    const { tookMs, connections } = await drained({ diagnosis: turns, gates: true });
    assert.equal(tookMs, 10_000);
    assert.deepEqual(connections, { idle: 0, busy: 1, cut: 1 });
  });

  test('ends after half a second at most if the drain time is over', async () => {
    const { tookMs, rejectingAt } = await drained({ diagnosis: () => seen({ queued: 5 }), gates: true });
    assert.deepEqual([tookMs, rejectingAt], [10_500, 10_000]);
  });
});

suite('a drain that closes idle connections', () => {
  /** Three connections; a closed one is absent at the next observation. */
  function three(last: Partial<Connection>) {
    const open = new Map<string, Partial<Connection>>([
      ['0', IDLE],
      ['1', IDLE],
      ['2', last],
    ]);
    const diagnosis = (): Diagnosis => seen(...[...open].map(([ends, change]) => ({ ends, ...change })));
    const close = (ends: readonly string[]): Closed => {
      const closed = ends.filter((one) => open.delete(one)).length;
      return { available: true, closed };
    };
    return { open, diagnosis, close };
  }

  test('closes them one look after the other, and reports how many', async () => {
    const { diagnosis, close } = three(IDLE);
    const { connections, notes } = await drained({ diagnosis, close, gates: true, drainClose: true });
    assert.deepEqual(connections, { idle: 0, busy: 0, cut: 0, closed: 3 });
    assert.deepEqual(notes, ['web: 3 connections were idle and closed before it stops']);
  });

  test('leaves one whose request is under way', async () => {
    const { open, diagnosis, close } = three({ queued: 5 });
    const { connections } = await drained({ diagnosis, close, gates: true, drainClose: true });
    assert.deepEqual([...open.keys()], ['2']);
    assert.deepEqual(connections, { idle: 0, busy: 1, cut: 1, closed: 2 });
  });

  test('closes none if new connections can not be turned away, and none if idle ones are waited for', async () => {
    const { diagnosis } = three(IDLE);
    assert.equal((await drained({ diagnosis, drainClose: true })).connections?.idle, 3);
    const count = (ms: number) => (ms < 4000 ? 3 : 0);
    const waited = await drained({ diagnosis, count, gates: true, drainClose: true, drainIdle: false });
    assert.deepEqual(waited.connections, { busy: 3, cut: 0, closed: 0 });
  });

  const told: [string, Closed, RegExp][] = [
    ['ss can not', NO_SS, /^idle connections of web stay open until it stops: ss is not installed; install/],
    ['the kernel does not', { available: true, closed: 0 }, /CONFIG_INET_DIAG_DESTROY$/],
  ];
  for (const [why, answer, note] of told)
    test(`goes on and says so if ${why}`, async () => {
      const { diagnosis } = three(IDLE);
      const { connections, notes } = await drained({ diagnosis, close: () => answer, gates: true, drainClose: true });
      assert.deepEqual(connections, { idle: 3, busy: 0, cut: 0, closed: 0 });
      assert.match(notes[0] ?? '', note);
    });
});
