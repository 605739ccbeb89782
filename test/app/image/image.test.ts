// The meaning of a reference where only a moment or a fault makes the difference.

import assert from 'node:assert/strict';
import test from 'node:test';
import { fetchImage, resolveFound } from '../../../src/app/image/image.ts';
import type { Image } from '../../../src/core/model/container.ts';
import { EngineError } from '../../../src/core/model/engine-error.ts';
import type { SwapError } from '../../../src/core/model/error.ts';
import { parseReference } from '../../../src/core/model/reference.ts';
import type { Ports } from '../../../src/ports/ports.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const FOLLOWS = parseReference('registry.example/app:1');
const SIGNAL = new AbortController().signal;

function engineThat(imageStore: string, more: object): Ports {
  const engine = { facts: async () => ({ imageStore, name: 'box', endpoint: 'unix:///x' }), ...more };
  return { engine, clock: { now: () => 0 }, report: () => {} } as unknown as Ports;
}

test('an image that is being pulled into the containerd store has no name yet, and is no local build', async () => {
  const nameless = { image: async () => ({ id: DIGEST, digests: [], config: {} }) };
  const resolved = await resolveFound(engineThat('containerd', nameless), FOLLOWS, DIGEST);
  assert.deepEqual(resolved, { kind: 'registry', follows: FOLLOWS, digest: DIGEST });
  assert.equal((await resolveFound(engineThat('classic', nameless), FOLLOWS, DIGEST)).kind, 'local');
});

for (const [said, status, code] of [
  ['failed to register layer: write /x: no space left on device', 500, 'disk-full'],
  ['the engine broke the connection', 0, 'engine-unreachable'],
  ['dial tcp: connection refused', 500, 'registry-unreachable'],
] as const) {
  test(`a pull that ends with "${said}" is told as ${code}`, async () => {
    const failing = { image: async () => undefined, pull: () => Promise.reject(new EngineError(status, said)) };
    const resolved = { kind: 'registry', follows: FOLLOWS, digest: DIGEST } as const;
    await assert.rejects(
      fetchImage(engineThat('classic', failing), resolved, undefined, SIGNAL),
      (error: SwapError) => {
        assert.equal(error.code, code);
        if (code === 'disk-full') assert.match(error.message, /the disk of box is full/);
        return true;
      },
    );
  });
}

test('a pull that changes the platform is refused, and the same image of this engine is not', async () => {
  const [native, foreign] = ['amd64', 'arm64'].map((architecture) => {
    return { id: DIGEST, digests: [], tags: [], config: {}, os: 'linux', architecture } as unknown as Image;
  });
  const facts = async () => ({ imageStore: 'classic', os: 'linux', architecture: 'x86_64' });
  const fetched = (kind: 'local' | 'registry', after: Image | undefined, before: Image | undefined) => {
    const image = after ?? assert.fail();
    const resolved = kind === 'local' ? { kind, follows: FOLLOWS, image } : { kind, follows: FOLLOWS, digest: DIGEST };
    return fetchImage(engineThat('classic', { facts, image: async () => image }), resolved, before, SIGNAL);
  };
  await assert.rejects(fetched('registry', native, foreign), (error: SwapError) => {
    assert.equal(error.code, 'wrong-platform');
    assert.match(error.message, /was pulled for linux\/amd64, and the old container runs an image for linux\/arm64$/);
    assert.match(error.hint ?? '', /docker pull --platform linux\/arm64 registry\.example\/app:1 keeps the platform/);
    return true;
  });
  for (const kind of ['local', 'registry'] as const) {
    assert.equal((await fetched(kind, foreign, foreign)).id, DIGEST, 'still emulated');
    assert.equal((await fetched(kind, native, undefined)).id, DIGEST, 'the old image is gone');
  }
  assert.equal((await fetched('local', native, foreign)).id, DIGEST, 'the user put it there');
});
