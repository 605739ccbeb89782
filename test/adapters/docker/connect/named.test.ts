import assert from 'node:assert/strict';
import test from 'node:test';
import Docker from 'dockerode';
import fc from 'fast-check';
import { withNamesEncoded } from '../../../../src/adapters/docker/connect/named.ts';
import { anyCharacters } from '../../../lab/text.ts';

const client = new (withNamesEncoded(Docker))({ socketPath: '/nowhere' });

test('a name is one part of a path, whatever is in it', () => {
  const any = fc.oneof(anyCharacters, fc.constantFrom('prö.web', '../x', '..', '.', 'a?b#c', 'a/b', '%2e'));
  fc.assert(
    fc.property(any, (text) => {
      for (const { path } of [{ path: client.getContainer(text).id }, { path: client.getVolume(text).name }]) {
        assert.match(path, /^[!-~]*$/);
        assert.doesNotMatch(path, /[/?#\\]|^\.{1,2}$/);
        assert.equal(decodeURIComponent(path), Buffer.from(text).toString());
      }
    }),
    { numRuns: 1000 },
  );
});

test('a reference keeps the slashes that the router of an engine wants, and goes up no folder', () => {
  const id = `sha256:${'1'.repeat(64)}`;
  for (const same of ['registry.test:5000/a/b:1', `app@${id}`, id]) assert.equal(imagePath(same), same);
  assert.equal(imagePath('a/../../containers/x?y'), 'a/%2E%2E/%2E%2E/containers/x%3Fy');
  assert.equal(imagePath('prö:1'), 'pr%C3%B6:1');
});

// dockerode stores it under another name than its types declare.
function imagePath(reference: string): string {
  return (client.getImage(reference) as unknown as { readonly name: string }).name;
}
