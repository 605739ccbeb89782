import assert from 'node:assert/strict';
import test from 'node:test';
import { knownOwner, ownerOf } from '../../../src/adapters/traffic/owner.ts';

/** An engine of that id, which does not answer while the id is undefined. */
function engine(id: string | undefined) {
  const state = { id };
  const ask = async () => {
    if (state.id === undefined) throw new Error('connect ECONNREFUSED');
    return { local: true, id: state.id };
  };
  return { state, ...knownOwner(ask) };
}

test('the owner of rules stays known while the engine does not answer', async () => {
  const { state, look, owner } = engine('one');
  await look();
  state.id = undefined;
  assert.equal(await owner(), ownerOf('one'));
});

test('the owner of rules is asked for if nobody has looked at the engine', async () => {
  const { state, owner } = engine(undefined);
  await assert.rejects(owner(), /ECONNREFUSED/);
  state.id = 'one';
  assert.equal(await owner(), ownerOf('one'));
});

test('a look at an engine that came back as another one changes the owner', async () => {
  const { state, look, owner } = engine('one');
  assert.equal(await owner(), ownerOf('one'));
  state.id = 'two';
  assert.equal(await owner(), ownerOf('one'));
  await look();
  assert.equal(await owner(), ownerOf('two'));
});
