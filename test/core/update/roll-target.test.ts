import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReference } from '../../../src/core/model/reference.ts';
import { askedTarget, givenReference, type RollTarget, wordsOf } from '../../../src/core/update/roll-target.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const ASKED = [{}, { image: 'app:2' }, { image: 'app:2', digest: DIGEST }, { image: undefined, digest: DIGEST }];

for (const words of ASKED)
  test(`the words ${JSON.stringify(words)} name a target, which has the same words`, () => {
    assert.deepEqual(wordsOf(askedTarget(words)), words);
  });

test('a request without a target goes to the followed image', () => {
  assert.deepEqual(wordsOf(undefined), {});
});

test('a reference is parsed with the request, and a wrong one is refused', () => {
  assert.deepEqual(askedTarget({ image: 'app:2' }), { kind: 'reference', reference: parseReference('app:2') });
  assert.throws(() => askedTarget({ image: 'App:2' }), { code: 'usage' });
});

test('a service follows another reference after a roll to one, and after a rollback', () => {
  const targets: [RollTarget, string | undefined][] = [
    [askedTarget({}), undefined],
    [askedTarget({ image: 'app:2' }), 'app:2'],
    [askedTarget({ image: 'app:2', digest: DIGEST }), 'app:2'],
    [askedTarget({ digest: DIGEST }), undefined],
    [{ kind: 'checked', reference: 'app:2', digest: DIGEST, over: [] }, undefined],
    [{ kind: 'local', image: { follows: 'app:1', id: DIGEST, digest: undefined } }, 'app:1'],
  ];
  for (const [target, follows] of targets) assert.equal(givenReference(target)?.text, follows);
});
