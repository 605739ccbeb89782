// A container whose image is gone: its labels may be the image's, so they only ever make swapctl more careful.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { type Labels, narrowed, ownLabels } from '../../../src/core/model/own-labels.ts';
import type { FileLayer } from '../../../src/core/settings/config.ts';
import type { Policy } from '../../../src/core/settings/policy.ts';
import { enablePolicy, readPolicy, uncountedLabels } from '../../../src/core/settings/read.ts';
import { DEFAULTS } from '../../../src/core/settings/table.ts';

const gone = (labels: Labels) => ownLabels({ name: 'web', imageId: 'sha256:gone', labels }, undefined);

/** The settings of the service in swapctl.yml. */
function fileOf(settings: Labels): { defaults: FileLayer; service: FileLayer } {
  const entries = Object.entries(settings).map(([key, value]) => [key, { value, where: 'swapctl.yml:1' }] as const);
  return { defaults: {}, service: Object.fromEntries(entries) };
}

function policyOf(labels: Labels, file: Labels = {}): Policy {
  return readPolicy(gone(labels), {}, fileOf(file));
}

interface Case {
  readonly label: string;
  readonly value: string;
  readonly file?: string;
  readonly counts: boolean;
}

const CASES: readonly Case[] = [
  { label: 'strategy', value: 'stop-first', counts: true },
  { label: 'strategy', value: 'start-first', counts: false },
  { label: 'strategy', value: 'auto', file: 'start-first', counts: true },
  { label: 'strategy', value: 'auto', file: 'stop-first', counts: false },
  { label: 'strategy', value: 'stop-first', file: 'handover', counts: true },
  { label: 'volumes', value: 'shared', counts: false },
  { label: 'volumes', value: 'exclusive', file: 'shared', counts: true },
  { label: 'rehearsal', value: 'false', counts: false },
  { label: 'gate', value: 'false', counts: false },
  { label: 'rehearsal', value: 'true', file: 'false', counts: true },
  { label: 'keep', value: '0', counts: false },
  { label: 'keep', value: '3', counts: true },
  { label: 'keep', value: '3', file: '5', counts: false },
  { label: 'keep', value: 'many', counts: false },
  { label: 'backup.keep', value: '0', counts: false },
  { label: 'backup.keep', value: '4', counts: true },
  { label: 'backup.volumes', value: 'true', counts: true },
  { label: 'backup.volumes', value: 'false', file: 'true', counts: false },
  { label: 'backup.volumes', value: 'data', file: 'true', counts: false },
  { label: 'backup.volumes', value: 'data,more', file: 'data', counts: true },
  { label: 'enable', value: 'false', file: 'true', counts: true },
  { label: 'enable', value: 'true', file: 'false', counts: false },
  { label: 'enable', value: 'true', counts: true },
  { label: 'monitor-only', value: 'false', file: 'true', counts: false },
  { label: 'monitor-only', value: 'true', file: 'false', counts: true },
  { label: 'settle', value: '1s', counts: true },
  { label: 'settle', value: '1s', file: '9s', counts: false },
  { label: 'settle', value: '20s', file: '9s', counts: true },
  { label: 'on-switch', value: 'signal HUP nginx', counts: false },
  { label: 'on-switch', value: 'signal HUP nginx', file: 'signal HUP other', counts: false },
  { label: 'hooks.from', value: 'web', counts: false },
  { label: 'linger', value: '1s', file: '9s', counts: false },
  { label: 'drain.idle', value: 'false', counts: true },
  { label: 'drain.idle', value: 'true', file: 'false', counts: false },
  { label: 'drain.close', value: 'false', file: 'true', counts: true },
  { label: 'drain.close', value: 'true', file: 'false', counts: false },
  { label: 'health.timeout', value: '5m', file: '1m', counts: true },
  { label: 'health.timeout', value: '5s', file: '1m', counts: false },
  { label: 'min-age', value: '0s', file: '3d', counts: false },
  { label: 'build.git', value: 'https://git.test/evil', counts: false },
  { label: 'backup.eraser', value: 'evil', counts: false },
  { label: 'dev.watch', value: 'sync . /', counts: false },
];

suite('a setting in doubt counts only if swapctl takes more care by it', () => {
  for (const { label, value, file, counts } of CASES)
    test(`${label}=${value}${file === undefined ? '' : `, ${file} in swapctl.yml`}: ${counts ? 'yes' : 'no'}`, () => {
      const given: Labels = { [`swapctl.${label}`]: value };
      const said: Labels = file === undefined ? {} : { [label]: file };
      const without = policyOf({}, said);
      const own = ownLabels({ name: 'web', imageId: 'sha256:there', labels: given }, {});
      const wanted = counts ? readPolicy(own, {}, fileOf(said)) : without;
      assert.deepEqual(policyOf(given, said), wanted);
      assert.deepEqual(uncountedLabels(gone(given), fileOf(said)), counts ? [] : Object.keys(given));
    });

  test('whether a service is meant is decided in the same way', () => {
    const labels = gone({ 'swapctl.enable': 'true', 'swapctl.settle': 'wrong' });
    assert.equal(enablePolicy(labels, fileOf({ enable: 'false' })).enable, false);
    assert.equal(enablePolicy(labels, fileOf({})).enable, true);
  });

  test('the command line overrules it', () => {
    const labels = gone({ 'swapctl.strategy': 'stop-first', 'swapctl.keep': '7' });
    const { strategy, keep } = readPolicy(labels, { strategy: 'start-first', keep: '0' });
    assert.deepEqual([strategy, keep], ['start-first', 0]);
  });
});

test('nothing is removed or shared because of a label in doubt, whatever it and swapctl.yml say', () => {
  const few = fc.integer({ min: 0, max: 99 }).map(String);
  const flag = fc.constantFrom('true', 'false');
  const settings = fc.record(
    { keep: few, 'backup.keep': few, volumes: fc.constantFrom('shared', 'exclusive'), rehearsal: flag },
    { requiredKeys: [], noNullPrototype: true },
  ) as fc.Arbitrary<Labels>;
  fc.assert(
    fc.property(settings, settings, (labels, file) => {
      const prefixed = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`swapctl.${key}`, value]));
      const without = { ...DEFAULTS, ...policyOf({}, file) };
      const { keep, backupKeep, volumes, rehearsal } = policyOf(prefixed, file);
      assert.ok(keep >= without.keep && backupKeep >= without.backupKeep);
      assert.ok(volumes === 'exclusive' || without.volumes === 'shared');
      assert.ok(rehearsal || !without.rehearsal);
    }),
    { numRuns: 2000 },
  );
});

test('what swapctl made says itself whose its labels are', () => {
  const userSet = JSON.stringify({ labels: ['swapctl.keep'] });
  const base = 'sha256:gone';
  const labels = { 'swapctl.state.base': base, 'swapctl.state.user-set': userSet };
  const own = gone({ ...labels, 'swapctl.keep': '0', 'swapctl.backup.keep': '9' });
  assert.deepEqual([readPolicy(own).keep, readPolicy(own).backupKeep], [0, 1]);
  assert.deepEqual(uncountedLabels(own, fileOf({})), []);
});

test('some of the labels are in doubt as all of them are', () => {
  const own = narrowed(gone({ 'swapctl.keep': '3', 'swapctl.backup.keep': '4' }), ['swapctl.keep']);
  assert.deepEqual([readPolicy(own).keep, readPolicy(own).backupKeep], [3, 1]);
});
