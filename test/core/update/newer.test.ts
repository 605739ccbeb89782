import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { choosePlatform, goArchitecture } from '../../../src/core/model/platform.ts';
import { type Identity, judge, type Memory, type Offered } from '../../../src/core/update/newer.ts';

const AT = '2026-01-01T00:00:00.000Z';
const NOTHING: Memory = { failures: [], retired: [] };
const RUNNING: Identity = { digests: ['index-1'], manifestDigest: undefined, imageId: 'config-1' };
const CONTAINERD: Identity = { digests: [], manifestDigest: 'manifest-1', imageId: 'index-1' };
const failed = (image: string, digest?: string): Memory => ({
  failures: [{ image, digest, at: AT, reason: 'it ended' }],
  retired: [],
});
const left = (image: string, digest?: string): Memory => ({ failures: [], retired: [{ image, digest, at: AT }] });

const offer = (digest: string, manifestDigest?: string, configDigest?: string): Offered => ({
  reference: 'app:1',
  digest,
  manifestDigest,
  configDigest,
});
const READ = offer('index-2', 'manifest-2', 'config-2');

const CASES: [what: string, Identity, Offered, Memory, outcome: string | undefined, because?: RegExp][] = [
  ['the same digest', RUNNING, offer('index-1'), NOTHING, 'current', /runs what the registry has/],
  ['the same, on the containerd store', CONTAINERD, offer('index-1'), NOTHING, 'current'],
  ['the manifest itself', CONTAINERD, offer('manifest-1'), NOTHING, 'current'],
  ['another digest, nothing read yet', RUNNING, offer('index-2'), NOTHING, undefined],
  ['another image', RUNNING, READ, NOTHING, 'available', /app:1 is index-2 now/],
  ['another image, on the containerd store', CONTAINERD, READ, NOTHING, 'available'],
  [
    'an index that changed for another platform',
    RUNNING,
    offer('index-2', 'manifest-1', 'config-1'),
    NOTHING,
    'current',
    /not the image for this platform/,
  ],
  [
    'the same, on the containerd store',
    CONTAINERD,
    offer('index-2', 'manifest-1', 'config-1'),
    NOTHING,
    'current',
    /not the image for this platform/,
  ],
  [
    'what failed, by its digest, without a further question',
    RUNNING,
    offer('index-2'),
    failed('x', 'index-2'),
    'held',
    /tried here at 2026.*and not kept: it ended/,
  ],
  ['what failed, by its config', RUNNING, READ, failed('config-2'), 'held'],
  [
    'what failed, in an index that changed for another platform',
    CONTAINERD,
    offer('index-3', 'manifest-2', 'config-2'),
    failed('x', 'manifest-2'),
    'held',
  ],
  ['another than what failed', RUNNING, READ, failed('config-3', 'index-3'), 'available'],
  ['what was left', RUNNING, offer('index-0'), left('config-0', 'index-0'), 'held', /ran here before/],
  ['what was left, by its id', RUNNING, offer('index-9', 'manifest-0', 'config-0'), left('config-0'), 'held'],
  ['what runs, though it was left once', RUNNING, offer('index-1'), left('config-1', 'index-1'), 'current'],
  ['what runs, though it failed once', RUNNING, offer('index-1'), failed('config-1', 'index-1'), 'current'],
];

for (const [what, running, offered, memory, outcome, because] of CASES)
  test(`${what}: ${outcome ?? 'has to be read'}`, () => {
    const judgement = judge(running, offered, memory);
    assert.equal(judgement?.outcome, outcome);
    if (because) assert.match(judgement?.because ?? '', because);
  });

test('what failed or was left never becomes available, whatever else is known', () => {
  const digest = fc.constantFrom('a', 'b', 'c', 'd');
  const some = fc.option(digest, { nil: undefined });
  const rejected = fc.record({ digest: some, image: digest, at: fc.constant(AT), reason: fc.constant('it ended') });
  fc.assert(
    fc.property(
      fc.record({ digests: fc.array(digest), manifestDigest: some, imageId: digest }),
      fc.record({ reference: fc.constant('app:1'), digest, manifestDigest: some, configDigest: some }),
      fc.record({ failures: fc.array(rejected), retired: fc.array(rejected) }),
      (running, offered, memory) => {
        const judgement = judge(running, offered, memory);
        const names = [offered.digest, offered.manifestDigest, offered.configDigest];
        const shuns = [...memory.failures, ...memory.retired].some(
          (one) => names.includes(one.image) || (one.digest !== undefined && names.includes(one.digest)),
        );
        const runs = [...running.digests, running.manifestDigest, running.imageId].some(
          (one) => one !== undefined && names.includes(one),
        );
        if (runs) assert.equal(judgement?.outcome, 'current');
        else if (shuns) assert.equal(judgement?.outcome, 'held');
        else assert.notEqual(judgement?.outcome, 'current');
      },
    ),
  );
});

test('of an index the entry of the platform is taken, of several variants the same one', () => {
  const entry = (architecture: string, variant?: string) => ({ platform: { os: 'linux', architecture, variant } });
  const all = [{ platform: undefined }, entry('unknown'), entry('arm', 'v6'), entry('arm', 'v7'), entry('amd64')];
  assert.equal(choosePlatform(all, { os: 'linux', architecture: 'amd64' }), all[4]);
  assert.equal(choosePlatform(all, { os: 'linux', architecture: 'arm', variant: 'v7' }), all[3]);
  assert.equal(choosePlatform(all, { os: 'linux', architecture: 'arm' }), all[2]);
  assert.equal(choosePlatform(all, { os: 'windows', architecture: 'amd64' }), undefined);
  assert.deepEqual(['x86_64', 'aarch64', 'riscv64'].map(goArchitecture), ['amd64', 'arm64', 'riscv64']);
});
