import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { composeHashLabel } from '../../../src/core/recreate/compose-hash.ts';

// The exact texts that compose hashes, so that a failure shows the difference.
const plain = (text: string): string => text;

const SIDE = {
  command: null,
  depends_on: { web: { required: true } },
  network_mode: 'service:web',
  pull_policy: 'always',
};
const SHARED = {
  before: { NetworkMode: 'container:old', VolumesFrom: ['old', 'other'] },
  after: { NetworkMode: 'container:new', VolumesFrom: ['new', 'other'] },
};

suite('the config hash of compose', () => {
  const cases: [string, Record<string, unknown>, string, string][] = [
    [
      'a version that leaves out what a service depends on',
      SIDE,
      '{"command":null,"network_mode":"container:old"}',
      '{"command":null,"network_mode":"container:new"}',
    ],
    [
      'a version that keeps it',
      SIDE,
      '{"command":null,"depends_on":{"web":{"required":true}},"network_mode":"container:old"}',
      '{"command":null,"depends_on":{"web":{"required":true}},"network_mode":"container:new"}',
    ],
    [
      'replicas left out',
      { deploy: { replicas: 3, placement: {} }, network_mode: 'service:web' },
      '{"deploy":{"placement":{}},"network_mode":"container:old"}',
      '{"deploy":{"placement":{}},"network_mode":"container:new"}',
    ],
    [
      'a version that keeps profiles',
      { network_mode: 'service:web', profiles: ['all'] },
      '{"network_mode":"container:old","profiles":["all"]}',
      '{"network_mode":"container:new","profiles":["all"]}',
    ],
    [
      'letters that Go escapes',
      { environment: { A: '<a> & b' }, network_mode: 'service:web' },
      '{"environment":{"A":"\\u003ca\\u003e \\u0026 b"},"network_mode":"container:old"}',
      '{"environment":{"A":"\\u003ca\\u003e \\u0026 b"},"network_mode":"container:new"}',
    ],
    [
      'volumes of another container, whose mode compose drops',
      { volumes_from: ['web:ro', 'container:other'] },
      '{"volumes_from":["old","other"]}',
      '{"volumes_from":["new","other"]}',
    ],
  ];
  for (const [name, service, label, expected] of cases) {
    test(name, () => assert.equal(composeHashLabel(label, service, SHARED, plain), expected));
  }

  test('stays as it is where the files say something else by now', () => {
    assert.equal(composeHashLabel('{"command":["new"]}', SIDE, SHARED, plain), undefined);
  });
});
