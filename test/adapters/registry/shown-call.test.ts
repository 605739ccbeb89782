import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { shownCall as shownEngineCall } from '../../../src/adapters/docker/connect/calls.ts';
import { shownCall } from '../../../src/adapters/registry/http/http.ts';

const SECRET = fc.stringMatching(/^[A-Za-z0-9]{12,24}$/).map((text) => `s3cret${text}`);

test('a call is shown with its method and its path', () => {
  const url = new URL('https://registry.example.org:5000/v2/team/app/manifests/stable');
  assert.equal(
    shownCall({ method: 'HEAD', url, registry: 'registry.example.org:5000' }),
    'HEAD https://registry.example.org:5000/v2/team/app/manifests/stable',
  );
  const id = 'ab'.repeat(32);
  assert.equal(shownEngineCall('POST', `/containers/${id}/rename?name=web`), 'POST /containers/abababababab/rename');
  assert.equal(shownEngineCall(undefined, '/version'), 'GET /version');
});

test('no login, query or path of another host is shown', () => {
  fc.assert(
    fc.property(SECRET, fc.constantFrom('registry.example.org', 'cdn.example.net'), (secret, host) => {
      const urls = [
        `https://user:${secret}@registry.example.org/v2/`,
        `https://${host}/v2/?token=${secret}&scope=pull`,
        `https://cdn.example.net/signed/${secret}/blob?X-Amz-Signature=${secret}#${secret}`,
      ];
      for (const url of urls) {
        const shown = shownCall({ method: 'GET', url: new URL(url), registry: 'registry.example.org' });
        assert.ok(!shown.includes('s3cret'), shown);
      }
      const build = shownEngineCall('POST', `/build?buildargs={"TOKEN":"${secret}"}&remote=https://x:${secret}@git/`);
      assert.equal(build, 'POST /build');
    }),
  );
});
