import assert from 'node:assert/strict';
import test from 'node:test';
import { kernelLayer } from '../../../src/app/traffic/kernel-layer.ts';
import type { Ports } from '../../../src/ports/ports.ts';

interface MadeUp {
  /** The process of each container at each observation; the last one stays. 0: it has ended. */
  pids: Record<string, number[]>;
  /** The namespaces that can be entered. */
  enterable: readonly number[];
}

function portsOf({ pids, enterable }: MadeUp): { ports: Ports; tried: (number | undefined)[] } {
  const tried: (number | undefined)[] = [];
  const engine = {
    list: async () => Object.keys(pids).map((id) => ({ id, status: 'running' })),
    container: async (id: string) => {
      const [first = 0, ...later] = pids[id] ?? [];
      if (later.length > 0) pids[id] = later;
      return { id, pid: first, status: first === 0 ? 'exited' : 'running' };
    },
    bridges: async () => [],
    facts: async () => ({ product: 'docker' }),
  };
  const layer = async (_: unknown, example: { pid: number } | undefined) => {
    tried.push(example?.pid);
    const available = example === undefined || enterable.includes(example.pid);
    return available ? { available } : { available, why: `no way into ${example.pid}` };
  };
  return { ports: { engine, kernel: { layer } } as unknown as Ports, tried };
}

test('a container that ends while it is tried whether traffic can be moved says nothing of that', async () => {
  const { ports, tried } = portsOf({ pids: { ends: [11, 0], stays: [22] }, enterable: [22] });
  assert.deepEqual(await kernelLayer(ports), { available: true });
  assert.deepEqual(tried, [11, 22]);
});

test('nor does one that has begun anew meanwhile, or has ended before', async () => {
  const { ports, tried } = portsOf({ pids: { over: [0], restarts: [11, 12] }, enterable: [] });
  assert.deepEqual(await kernelLayer(ports), { available: true });
  assert.deepEqual(tried, [11, undefined]);
});

test('one that stays tells why traffic can not be moved', async () => {
  const { ports, tried } = portsOf({ pids: { stays: [11], another: [22] }, enterable: [22] });
  assert.deepEqual(await kernelLayer(ports), { available: false, why: 'no way into 11' });
  assert.deepEqual(tried, [11]);
});
