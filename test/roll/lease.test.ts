import assert from 'node:assert/strict';
import test from 'node:test';
import type { Container } from '../../src/core/container.ts';
import { EngineError } from '../../src/core/engine-error.ts';
import type { Ports } from '../../src/ports.ts';
import { takeLease } from '../../src/roll/lease.ts';

/** Ports on which time passes only when somebody sleeps, and then as much as `passes` says. */
function portsWhere(passes: () => number, beat: () => Promise<void>): { ports: Ports; beaten: Promise<void> } {
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
    setRestart: () => beat().then(told),
  };
  const clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async () => {
      now += passes();
      // Others get their turn.
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
  const lease = await takeLease(ports, 'web', ['image']);
  await beaten;
  assert.equal(lease.lost.aborted, false);
  await lease.release();
});

test('a lock that the engine does not let beat any more counts as lost', async () => {
  const { ports } = portsWhere(
    () => 2000,
    () => Promise.reject(new EngineError(500, 'it can not be updated')),
  );
  const lease = await takeLease(ports, 'web', ['image']);
  await new Promise((lost) => lease.lost.addEventListener('abort', lost));
  assert.match(String(lease.lost.reason), /the lock of web was lost/);
});
