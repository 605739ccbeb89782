import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { isComposeLabel, isStateLabel } from '../../../src/core/model/label-keys.ts';
import { encodeState, type StateLabels } from '../../../src/core/service/labels.ts';
import { decoded } from '../own.ts';

const text = fc.string();
const said = fc.string({ minLength: 1 });
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const names = fc.array(text, { maxLength: 3 });

const entry = fc.record(
  {
    at: text,
    follows: text,
    id: text,
    digest: text,
    event: fc.constantFrom('started' as const, 'rolled' as const, 'rolled-back' as const),
  },
  { requiredKeys: ['at', 'follows', 'id', 'event'], noNullPrototype: true },
);
const imageId = fc.stringMatching(/^sha256:[0-9a-f]{64}$/);
const state: fc.Arbitrary<StateLabels> = fc.record(
  {
    role: fc.constantFrom(
      'replica' as const,
      'rehearsal' as const,
      'stand-in' as const,
      'failed' as const,
      'lock' as const,
      'backup' as const,
      'copying' as const,
    ),
    service: said,
    slot: said,
    roll: text,
    at: text,
    generation: fc.nat(),
    predecessors: fc.array(fc.string()),
    follows: text,
    image: text,
    digest: some(said),
    strategy: some(fc.constantFrom('start-first' as const, 'stop-first' as const, 'handover' as const)),
    replaces: some(said),
    tagBefore: some(imageId),
    imageBefore: some(imageId),
    userSet: some(
      fc.record(
        {
          env: names,
          labels: names,
          ports: names,
          volumes: names,
          health: fc.constant(['Test' as const]),
          scalars: fc.constant(['Cmd' as const]),
        },
        { noNullPrototype: true },
      ),
    ),
    saves: names,
    fillFrom: some(said),
    copies: fc.array(
      fc.record({ volume: text, copy: text, bytes: fc.maxSafeNat(), files: fc.nat() }, { noNullPrototype: true }),
      { maxLength: 3 },
    ),
    history: fc.array(entry, { maxLength: 3 }),
    failure: some(
      fc.record(
        { code: fc.constantFrom('not-healthy', 'known-bad'), reason: text, health: names, log: names },
        { noNullPrototype: true },
      ),
    ),
    holder: some(said),
    incumbents: names,
    group: some(said),
    base: some(said),
  },
  { noNullPrototype: true },
);

const COMPLETE: StateLabels = {
  role: 'replica',
  service: 's',
  slot: 's',
  roll: 'r',
  at: 'now',
  generation: 1,
  predecessors: ['a', 'b'],
  follows: 'app:1',
  image: 'i',
  digest: 'd',
  strategy: 'handover',
  replaces: 'c',
  tagBefore: 't',
  imageBefore: 'i',
  userSet: { env: [], labels: [], ports: [], volumes: [], health: [], scalars: [] },
  saves: ['v'],
  fillFrom: 'r',
  copies: [],
  history: [],
  failure: { code: 'not-healthy', reason: 'r', health: [], log: [] },
  holder: 'h',
  incumbents: ['c'],
  group: 'g',
  base: 'i',
};

suite('state labels', () => {
  test('what is written is read again', () => {
    fc.assert(fc.property(state, (one) => assert.deepEqual(decoded(encodeState(one)), one)));
  });

  test('every label is written, empty where there is nothing to say, so that none of an image shines through', () => {
    const labels = encodeState({ role: 'lock', service: 's', slot: 's', holder: undefined });
    const full = encodeState({ ...COMPLETE });
    assert.deepEqual(Object.keys(labels).sort(), Object.keys(full).sort());
    const forged = Object.fromEntries(Object.keys(full).map((key) => [key, '[{"volume":"theirs","copy":"theirs"}]']));
    const { copies, holder, saves } = decoded({ ...forged, ...labels }) ?? {};
    assert.deepEqual([copies, holder, saves], [[], undefined, []]);
  });

  test('a tag that is to be put back goes to an id, not to what a name means', () => {
    const written = encodeState({ role: 'replica', service: 's', slot: 's', tagBefore: 'evil:latest' });
    assert.equal(decoded(written)?.tagBefore, undefined);
  });

  test('without a role or a slot, or with a role from the future, a container is none of swapctl', () => {
    assert.equal(decoded({}), undefined);
    assert.equal(decoded({ 'swapctl.state.role': 'replica' }), undefined);
    assert.equal(decoded({ 'swapctl.state.role': 'toString', 'swapctl.state.slot': 'x' }), undefined);
  });

  test('damaged values count as absent, one by one', () => {
    const good = encodeState({
      role: 'replica',
      service: 's',
      slot: 's',
      generation: 3,
      history: [],
      strategy: 'handover',
    });
    const damaged = fc.oneof(
      text,
      fc.json(),
      fc.constantFrom('[null]', '[1]', '{}', '[{}]', '{"code":1}', 'NaN', '-1', '__proto__'),
    );
    const key = fc.constantFrom('generation', 'history', 'failure', 'user-set', 'strategy');
    fc.assert(
      fc.property(key, damaged, (name, value) => {
        const read = decoded({ ...good, [`swapctl.state.${name}`]: value });
        assert.ok(read);
        assert.ok(Number.isSafeInteger(read.generation) && read.generation >= 0, 'generation');
        assert.ok(
          read.strategy === undefined || ['start-first', 'stop-first', 'handover'].includes(read.strategy),
          'way',
        );
        assert.ok(read.userSet === undefined || typeof read.userSet === 'object', 'user set');
        for (const one of read.history) {
          assert.equal(typeof one.at + typeof one.follows + typeof one.id, 'stringstringstring', 'history');
          assert.ok(['started', 'rolled', 'rolled-back'].includes(one.event), 'event');
        }
        const { failure } = read;
        if (failure) assert.equal(typeof failure.code + typeof failure.reason, 'stringstring', 'failure');
        assert.ok([failure?.health ?? [], failure?.log ?? []].every(Array.isArray), 'evidence');
      }),
      { numRuns: 2000 },
    );
  });

  test('a code that this version does not know is still a failure', () => {
    const failure = { code: 'not-healthy', reason: 'r', health: [], log: [] } as const;
    const labels = encodeState({ role: 'failed', service: 's', slot: 's', failure });
    const newer = { ...labels, 'swapctl.state.failure': JSON.stringify({ ...failure, code: 'from-the-future' }) };
    assert.deepEqual(decoded(newer)?.failure, failure);
  });

  test('its own labels and those of compose are told apart from all others', () => {
    assert.deepEqual(
      ['swapctl.state.x', 'swapctl.settle', 'com.docker.compose.x', 'com.docker.composer'].map(isStateLabel),
      [true, false, false, false],
    );
    assert.deepEqual(['swapctl.state.x', 'com.docker.compose.x', 'com.docker.composer'].map(isComposeLabel), [
      false,
      true,
      false,
    ]);
  });
});
