// The reads, removals and restores, on an engine that records its calls.
import assert from 'node:assert/strict';
import test from 'node:test';
import { retireUnlessHalfDone } from '../../../src/app/image/retain.ts';
import { findEraser } from '../../../src/app/rollout/steps/eraser.ts';
import { removeCopy, removeOwn } from '../../../src/app/rollout/steps/remove.ts';
import { listed } from '../../../src/app/select/own.ts';
import type { ListedContainer } from '../../../src/core/model/container.ts';
import { encodeState } from '../../../src/core/service/labels.ts';
import { NO_CONFIG } from '../../../src/core/settings/config.ts';
import type { Ports } from '../../../src/ports/ports.ts';
import { summary } from '../../core/builders.ts';

interface Scene {
  readonly containers: readonly ListedContainer[];
  readonly images?: Readonly<Record<string, Record<string, string>>>;
  readonly volumes?: Readonly<Record<string, Record<string, string>>>;
}

function world({ containers, images = {}, volumes = {} }: Scene) {
  const asked: string[] = [];
  const found = (id: string) => containers.find((one) => one.id === id || one.name === id);
  const engine = {
    list: async () => containers,
    images: async () => {
      asked.push('images');
      return Object.entries(images).map(([id, labels]) => ({ id, tags: [], digests: [], labels }));
    },
    image: async (id: string) => (images[id] ? { id, config: { Labels: images[id] } } : undefined),
    container: async (id: string) => {
      const one = found(id);
      return one && { ...one, config: { Labels: one.labels }, host: {}, createdAt: 1, mounts: [] };
    },
    imageTags: async () => [],
    hasPath: async (id: string) => {
      asked.push(`look into ${id}`);
      return true;
    },
    volume: async (name: string) => volumes[name] && { name, labels: volumes[name] },
    remove: async (id: string) => void asked.push(`remove ${id}`),
    removeVolume: async (name: string) => void asked.push(`remove volume ${name}`),
  };
  const host = { containerId: undefined };
  return { asked, ports: { engine, host, config: () => NO_CONFIG, report: () => {} } as unknown as Ports };
}

const raw = (one: Partial<ListedContainer>): ListedContainer => ({ ...summary(), ...one });

test('images are listed once for all containers, and again only for an image that was not seen before', async () => {
  const containers = Array.from({ length: 50 }, (_, at) => raw({ id: `c${at}`, imageId: `i${at % 3}` }));
  const { ports, asked } = world({ containers, images: { i0: {}, i1: {}, i2: {} } });
  await listed(ports.engine);
  await listed(ports.engine);
  assert.deepEqual(asked, ['images']);
});

test('only a helper or a note that swapctl made is removed, whatever has its name', async () => {
  const labels = encodeState({ role: 'copying', service: 'web', slot: 'web' });
  const reader = raw({ id: 'a', name: 'web.swapctl-reading', status: 'running', imageId: 'i', labels });
  const unnamed = raw({ id: 'b', name: 'db.swapctl-lock', status: 'running', imageId: 'i' });
  const brought = raw({ id: 'c', name: 'web.swapctl-copying', status: 'running', imageId: 'forged', labels });
  const real = raw({
    id: 'd',
    name: 'ok.swapctl-copying',
    imageId: 'i',
    labels: { ...labels, 'swapctl.state.slot': 'ok' },
  });
  const { ports, asked } = world({ containers: [reader, unnamed, brought, real], images: { i: {}, forged: labels } });
  for (const name of ['web.swapctl-reading', 'web.swapctl-copying'])
    await assert.rejects(removeOwn(ports, name, 'copying'), { code: 'attention', message: /not made by swapctl/ });
  await assert.rejects(removeOwn(ports, 'db.swapctl-lock', 'lock'), { code: 'attention' });
  assert.deepEqual(asked, []);
  await removeOwn(ports, 'ok.swapctl-copying', 'copying');
  assert.deepEqual(asked, ['remove d']);
});

test('only a volume that says itself that it is a copy of this slot is removed', async () => {
  const copy = encodeState({ role: 'backup', service: 'web', slot: 'web', roll: 'r' });
  const other = encodeState({ role: 'backup', service: 'db', slot: 'db', roll: 'r' });
  const { ports, asked } = world({ containers: [], volumes: { copy, other, 'data.swapctl-backup-r': {} } });
  for (const name of ['other', 'data.swapctl-backup-r'])
    await assert.rejects(removeCopy(ports, name, 'web'), { code: 'attention' });
  await removeCopy(ports, 'gone', 'web');
  await removeCopy(ports, 'copy', 'web');
  assert.deepEqual(asked, ['remove volume copy']);
});

test('the program that empties a volume comes from no image of anybody else', async () => {
  const slot = raw({ id: 'web', imageId: 'slot' });
  const stranger = raw({ id: 'stranger', name: 'stranger', imageId: 'evil' });
  const { ports, asked } = world({ containers: [stranger, slot], images: { slot: {}, evil: {} } });
  const all = await listed(ports.engine);
  const trusted = { service: 'web', slotName: 'web', named: undefined };
  assert.equal((await findEraser(ports, all, { ...trusted, images: ['slot'] }))?.image, 'slot');
  assert.equal(await findEraser(ports, all, { ...trusted, images: ['gone'] }), undefined);
  assert.deepEqual(asked, ['images', 'look into web']);
});

test('an image that says that no copies are kept deletes none after a failed roll', async () => {
  const image = `sha256:${'1'.repeat(64)}`;
  const brought = { 'swapctl.backup.keep': '0' };
  const web = raw({ id: 'web', name: 'web', imageId: image, labels: brought });
  const copies = [{ volume: 'data', copy: 'copy', bytes: 0, files: 0 }];
  const note = { role: 'backup', service: 'web', slot: 'web', roll: 'r', image, copies } as const;
  const backup = raw({
    id: 'b',
    name: 'web.swapctl-backup-r',
    status: 'created',
    imageId: 'other',
    labels: encodeState(note),
  });
  const { ports, asked } = world({ containers: [web, backup], images: { [image]: brought, other: {} } });
  await retireUnlessHalfDone(ports, 'web');
  assert.deepEqual(
    asked.filter((what) => what.startsWith('remove')),
    [],
  );
});
