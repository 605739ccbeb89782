import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { isComposeLabel, isStateLabel } from '../../../src/core/model/label-keys.ts';
import { isComposed, type Labels, ownLabels } from '../../../src/core/model/own-labels.ts';
import { decodeState, encodeState } from '../../../src/core/service/labels.ts';
import { groupServices } from '../../../src/core/service/service.ts';
import { readPolicy } from '../../../src/core/settings/read.ts';
import { SETTINGS } from '../../../src/core/settings/table.ts';
import { summary } from '../builders.ts';

const ID = `sha256:${'1'.repeat(64)}`;
const COMPOSE = [
  'project',
  'service',
  'container-number',
  'oneoff',
  'config-hash',
  'image',
  'project.config_files',
].map((key) => `com.docker.compose.${key}`);
const STATE = Object.keys(encodeState({ role: 'lock', service: 's', slot: 's' }));
const ONEOFF = 'com.docker.compose.oneoff';
const KEYS = [
  ...COMPOSE,
  ...STATE,
  ...Object.keys(SETTINGS).map((key) => `swapctl.${key}`),
  'com.docker.swarm.task.id',
];
const VALUES = ['1', '0', 'web', 'copying', 'replica', 'true', '[{"volume":"v","copy":"v","bytes":0,"files":0}]', ''];
const labels = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), { noNullPrototype: true });

/** The labels of a container without any of its own: all come from its image. */
const inherited = (image: Labels) => ownLabels({ name: 'web', imageId: ID, labels: image }, image);

suite('what an image says', () => {
  test('is nothing to swapctl, whatever it says', () => {
    fc.assert(
      fc.property(labels, (image) => {
        const own = inherited(image);
        assert.deepEqual(own, {});
        assert.equal(decodeState(own), undefined);
        assert.deepEqual(readPolicy(own), readPolicy(ownLabels({ name: '', imageId: '', labels: {} }, {})));
        assert.equal(groupServices([{ ...summary({ name: 'lonely' }), labels: own }])[0]?.key, 'lonely');
      }),
      { numRuns: 2000 },
    );
  });

  test('is nothing beside what swapctl writes on a container of it', () => {
    const state = encodeState({ role: 'replica', service: 'web', slot: 'web', roll: 'r', base: ID });
    fc.assert(
      fc.property(labels, (image) => {
        const own = ownLabels({ name: 'web', imageId: ID, labels: { ...image, ...state } }, image);
        const read = decodeState(own);
        // A label that both have counts as the image's: then there is no state at all, which harms nobody.
        if (!read) return;
        assert.deepEqual([read.role, read.slot, read.copies, read.replaces], ['replica', 'web', [], undefined]);
      }),
      { numRuns: 2000 },
    );
  });

  test('does not hide what compose wrote on a container of an image that it built', () => {
    const image = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' };
    const container = { ...image, 'com.docker.compose.container-number': '1' };
    const own = ownLabels({ name: 'shop-web-1', imageId: ID, labels: container }, image);
    assert.deepEqual(own, container);
    const forged = { ...image, 'com.docker.compose.container-number': '1' };
    const hash = { ...forged, 'com.docker.compose.config-hash': 'abc' };
    assert.equal(isComposed(ownLabels({ name: 'shop-web-1', imageId: ID, labels: hash }, forged)), true);
    assert.equal(isComposed(inherited(forged)), false);
  });
});

suite('where the image is gone', () => {
  const gone = (name: string, all: Labels) => ownLabels({ name, imageId: ID, labels: all }, undefined);

  test('nothing that destroys, builds or reads this machine counts, and no state', () => {
    fc.assert(
      fc.property(labels, fc.constantFrom('web', 'shop-web-1', 'x.swapctl-lock'), (all, name) => {
        const own = gone(name, all);
        assert.equal(decodeState(own), undefined);
        for (const key of ['keep', 'backup.keep', 'build.git', 'dev.watch', 'volumes', 'strategy'])
          assert.equal(own[`swapctl.${key}`], undefined, key);
        const said = ['project', 'service', 'container-number'].map((key) => all[`com.docker.compose.${key}`]);
        if (said.join('-') !== name && said.join('_') !== name)
          assert.deepEqual(
            Object.keys(own).filter((key) => isComposeLabel(key) && key !== ONEOFF),
            [],
          );
      }),
      { numRuns: 2000 },
    );
  });

  test('what swapctl made is known all the same: no image can name its own id', () => {
    const userSet = { env: [], labels: ['swapctl.settle'], ports: [], volumes: [], health: [], scalars: [] };
    const state = encodeState({ role: 'replica', service: 'web', slot: 'web', base: ID, userSet });
    const own = gone('web', { ...state, 'swapctl.settle': '1s', 'swapctl.drain.timeout': '9s' });
    assert.equal(decodeState(own)?.slot, 'web');
    assert.deepEqual(
      Object.keys(own).filter((key) => !isStateLabel(key)),
      ['swapctl.settle'],
    );
    const other = encodeState({ role: 'replica', service: 'web', slot: 'web', base: `sha256:${'2'.repeat(64)}` });
    assert.equal(decodeState(gone('web', other)), undefined);
  });

  test('a service of compose is still one where its container is called as compose calls it', () => {
    const all = Object.fromEntries(
      ['project', 'service', 'container-number'].map((key, at) => [
        `com.docker.compose.${key}`,
        ['shop', 'web', '1'][at] ?? '',
      ]),
    );
    assert.equal(isComposed(gone('shop-web-1', all)), true);
    assert.equal(isComposed(gone('evil', all)), false);
  });

  test('a job of docker compose run is still one, whatever its name', () => {
    const job = { [ONEOFF]: 'True', 'com.docker.compose.project': 'shop' };
    for (const name of ['shop-web-run-0123456789ab', 'migration'])
      assert.deepEqual(Object.entries(gone(name, job)), [[ONEOFF, 'True']]);
  });
});
