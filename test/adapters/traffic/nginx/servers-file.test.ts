import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { overlayText, parseServers, serversIn } from '../../../../src/adapters/traffic/nginx/servers-file.ts';

const overlay = {
  kind: 'servers',
  roll: 'r0ll',
  servers: [
    { address: '10.0.0.2:8080', state: 'ready', weight: 9 },
    { address: '[::1]:8080', state: 'off', weight: 1 },
    { address: '10.0.0.1:8080', state: 'draining', weight: 1 },
  ],
} as const;

test("only ready servers are servers of nginx, with the owner's limits", () => {
  const text = overlayText(overlay, 'server web:8080 max_fails=0 resolve weight=3 backup fail_timeout=5s;\n');
  const lines = text.split('\n').filter((line) => !line.startsWith('#') && line !== '');
  assert.deepEqual(lines, ['server 10.0.0.2:8080 weight=9 max_fails=0 fail_timeout=5s;']);
  assert.deepEqual(parseServers(text).overlay, overlay);
});

test('whatever the owner wrote comes back byte by byte, also that there was no file', () => {
  const owners = fc.option(fc.string({ unit: 'binary', maxLength: 200 }), { nil: undefined });
  fc.assert(
    fc.property(owners, (owner) => {
      // A file that is an overlay already is never a baseline.
      const { baseline } = parseServers(overlayText(overlay, owner));
      assert.equal(baseline, owner);
    }),
  );
  const owner = 'server a:1;\r\n#| server b:2;\n\n#- \n';
  assert.equal(parseServers(overlayText(overlay, owner)).baseline, owner);
  assert.deepEqual(parseServers(owner), { text: owner, baseline: owner, overlay: undefined });
});

test('the servers of the owner are read', () => {
  const text = 'server web:8080 weight=2; server [::1]:81 down;\n# server no:1;\nserver plain;';
  const all = serversIn(text).map(({ host, port, state, weight }) => [host, port, state, weight]);
  assert.deepEqual(all, [
    ['web', 8080, 'ready', 2],
    ['::1', 81, 'off', 1],
    ['plain', 80, 'ready', 1],
  ]);
});
