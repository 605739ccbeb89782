import assert from 'node:assert/strict';
import test from 'node:test';
import { resolveTarget } from '../../../src/app/image/wanted.ts';
import type { PreparedSlot } from '../../../src/app/rollout/prepared-slot.ts';
import { parseReference } from '../../../src/core/model/reference.ts';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import type { Ports } from '../../../src/ports/ports.ts';

const PINNED = `app:1@sha256:${'a'.repeat(64)}`;

test('a roll says that an image is pinned, unless another one is asked for', async () => {
  const told: string[] = [];
  const ports = {
    engine: { image: async () => undefined, resolve: async () => undefined },
    registry: { digest: async () => `sha256:${'b'.repeat(64)}` },
    report: (one: { text?: string }) => told.push(one.text ?? ''),
  } as unknown as Ports;
  const wanted = (follows: string, image?: string) => {
    const slot = {
      slotName: 'web',
      follows: parseReference(follows),
      policy: {},
      track: { kind: 'digest' },
    } as unknown as PreparedSlot;
    return resolveTarget(ports, slot, {
      target: askedTarget({ image }),
      pull: 'always',
      signal: new AbortController().signal,
    });
  };
  const { follows } = await wanted(PINNED);
  assert.equal(follows.text, PINNED);
  assert.match(
    told.join('\n'),
    /^web: its image is pinned to a digest, so swapctl looks for nothing newer; .*--image$/,
  );
  told.length = 0;
  await wanted('app:1');
  await wanted(PINNED, PINNED);
  assert.doesNotMatch(told.join('\n'), /pinned/);
});
