// A user who may label a container can forge a lock: it moves at most one tag, of a repository that the service tracks.

import assert from 'node:assert/strict';
import test from 'node:test';
import { createApp } from '../../src/app/app.ts';
import { canonical, parseReference } from '../../src/core/model/reference.ts';
import { encodeState } from '../../src/core/service/labels.ts';
import { build } from './images.ts';
import { placeOf } from './strangers.ts';

const PLAIN = {
  strangers: [],
  volumes: [],
  joins: false,
  composed: false,
  copied: false,
  infected: undefined,
  sick: false,
};

async function afterRecovery(follows: string): Promise<{ moved: boolean; locked: boolean }> {
  const place = await placeOf(PLAIN);
  const { machine, clock, ports } = place;
  const evil = build(machine, 'evil:1');
  const image = build(machine, follows);
  const note = { follows, image, tagBefore: evil, holder: 'somebody dead' };
  const Labels = encodeState({ role: 'lock', service: 'web', slot: 'web', roll: 'r', ...note });
  const lock = { name: 'web.swapctl-lock', config: { Image: 'app:1', Labels }, host: {}, networks: {} };
  const work = async () => {
    await ports.engine.create(lock);
    await createApp(ports).recover(['web'], new AbortController().signal);
  };
  await clock.run(work());
  return {
    moved: machine.tags.get(canonical(parseReference(follows))) === evil,
    locked: machine.names.has('web.swapctl-lock'),
  };
}

test('a forged lock moves no tag of another repository', async () => {
  assert.deepEqual(await afterRecovery('victim:1'), { moved: false, locked: false });
});

test('the lock of a dead roll puts back the tag that the roll moved', async () => {
  assert.deepEqual(await afterRecovery('app:3'), { moved: true, locked: false });
});
