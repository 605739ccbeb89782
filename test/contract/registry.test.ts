// The contract of the Registry port on the registry in memory; test/engine/contract/registry-contract.test.ts has it on a real one.
import assert from 'node:assert/strict';
import test from 'node:test';
import { virtualClock } from '../memory/clock.ts';
import { memoryRegistry, newRemote, push } from '../memory/images.ts';
import { BEGIN, newMachine } from '../memory/machine.ts';
import { NOT_MODELLED, registryContract, type Stage } from './registry.ts';

async function open(): Promise<Stage> {
  const machine = newMachine(virtualClock(BEGIN));
  const remote = newRemote();
  const reference = (name: string): string => `registry.test/${name}`;
  return {
    registry: memoryRegistry(remote),
    reference,
    push: async (name) => {
      const digest = push(machine, remote, reference(name), {});
      const { id, createdAt } = remote.images.get(digest) ?? assert.fail('it was not pushed');
      return { digest, configDigest: id, created: createdAt };
    },
  };
}

registryContract('in memory', open);

test('what the registry in memory does not model is written down', (t) => {
  for (const line of NOT_MODELLED) t.diagnostic(`not modelled: ${line}`);
});
