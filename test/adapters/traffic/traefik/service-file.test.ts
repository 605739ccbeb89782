import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from 'js-yaml';
import { overlaid, parseServiceFile } from '../../../../src/adapters/traffic/traefik/service-file.ts';
import { fromFlags, staticOf } from '../../../../src/adapters/traffic/traefik/static.ts';

const TEXT = `# mine
http:
  services:
    web:
      loadBalancer:
        passHostHeader: false
        servers:
          - url: "https://web:8443/app"
            preservePath: true
    other:
      loadBalancer: { servers: [{ url: "http://other" }] }
`;

const wanted = {
  kind: 'servers',
  roll: 'r1',
  servers: [
    { address: '172.18.0.2:8443', state: 'ready', weight: 9 },
    { address: '[fd00::3]:8443', state: 'ready', weight: 1 },
    { address: '172.18.0.4:8443', state: 'draining', weight: 1 },
  ],
} as const;

test('an overlay changes the servers of one service, and holds the text before', () => {
  const file = parseServiceFile('web', TEXT) ?? assert.fail();
  const text = overlaid('web', file, wanted);
  const { marker, servers } = parseServiceFile('web', text) ?? assert.fail();
  assert.deepEqual([marker?.baseline, marker?.wanted], [TEXT, wanted]);
  assert.deepEqual(servers, [
    { url: 'https://172.18.0.2:8443/app', preservePath: true, weight: 9 },
    { url: 'https://[fd00::3]:8443/app', preservePath: true, weight: 1 },
  ]);
  const [before, after] = [load(TEXT), load(text)] as { http: { services: Record<string, object> } }[];
  assert.deepEqual(after?.http.services.other, before?.http.services.other);
  // An overlay over an overlay still has the owner's text.
  const again = overlaid('web', parseServiceFile('web', text) ?? assert.fail(), wanted);
  assert.equal(again, text);
});

test('a template, broken YAML and a service of another name', () => {
  const template = parseServiceFile('web', `${TEXT}# {{ env "HOME" }}\n`) ?? assert.fail();
  assert.throws(() => overlaid('web', template, wanted), { code: 'proxy-config', message: /is a template/ });
  assert.throws(() => parseServiceFile('web', 'http: ['), {
    code: 'proxy-config',
    message: /swapctl-web\.yml is broken/,
  });
  assert.equal(parseServiceFile('api', TEXT), undefined);
});

test('options of the command line, and what follows from them', () => {
  const flags = fromFlags(
    'traefik --api --entryPoints.swapctl.address=127.0.0.1:8099 --providers.file.directory=/dyn/ --providers.providersThrottleDuration 500ms --log.level=INFO',
  );
  assert.deepEqual(staticOf(flags), {
    folder: '/dyn',
    throttleMs: 500,
    apis: [
      { host: '127.0.0.1', port: 8099 },
      { host: '127.0.0.1', port: 8080 },
    ],
    basePath: '',
  });
  assert.deepEqual(staticOf(new Map([['entrypoints.traefik.address', ':9000']])), {
    folder: '/etc/traefik/dynamic',
    throttleMs: 2000,
    apis: [{ host: '127.0.0.1', port: 9000 }],
    basePath: '',
  });
});
