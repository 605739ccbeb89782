import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { checkConfig, openConfig, schemaOfConfig, showConfig } from '../../../src/adapters/config/open.ts';
import { cronSchedules } from '../../../src/adapters/host/schedules.ts';
import { parseListen } from '../../../src/core/access/listen.ts';
import { NO_SERVER } from '../../../src/core/access/server-config.ts';

const schedules = cronSchedules();
let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-server-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function at(text: string) {
  writeFileSync(path.join(folder, 'swapctl.yml'), text);
  return { file: path.join(folder, 'swapctl.yml'), env: {}, folder };
}

async function mistakes(text: string): Promise<string[]> {
  const { mistakes: found } = await checkConfig(at(text), schedules);
  return found.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

const WHOLE = `server:
  listen: [unix:///run/swapctl/swapctl.sock, 'tcp://[::1]:8443']
  tls: { cert: cert.pem, key: /etc/key.pem, ca: ca.pem }
  tokens: tokens
  clients:
    runner: { subject: "CN=ci,O=Shop", allow: ['roll:shop/*', read] }
  trust-proxy: [10.0.0.0/8, 'fd00::1']
  audit: audit.log
  reflection: false
`;

suite('the section server', () => {
  test('is read, with paths from the folder of the file', async () => {
    const { server } = (await openConfig(at(WHOLE), schedules))();
    assert.deepEqual(server, {
      listen: [
        { kind: 'unix', path: '/run/swapctl/swapctl.sock' },
        { kind: 'tcp', host: '::1', port: 8443 },
      ],
      tls: { cert: path.join(folder, 'cert.pem'), key: '/etc/key.pem', ca: path.join(folder, 'ca.pem') },
      tokens: path.join(folder, 'tokens'),
      clients: [
        { name: 'runner', subject: 'CN=ci,O=Shop', scopes: [{ kind: 'roll', pattern: 'shop/*' }, { kind: 'read' }] },
      ],
      trustProxy: ['10.0.0.0/8', 'fd00::1'],
      audit: path.join(folder, 'audit.log'),
      grpc: true,
      reflection: false,
    });
  });

  test('is optional, and says what it said when it is shown', async () => {
    assert.equal((await openConfig(at('notify: always\n'), schedules))().server, NO_SERVER);
    const { document } = await showConfig(at(WHOLE), schedules);
    const shown = (document as { server: object }).server;
    assert.deepEqual((await openConfig(at(JSON.stringify({ server: shown })), schedules))().server.listen, [
      { kind: 'unix', path: '/run/swapctl/swapctl.sock' },
      { kind: 'tcp', host: '::1', port: 8443 },
    ]);
  });

  test('is part of the JSON schema for editors', async () => {
    const schema = (await schemaOfConfig()) as { properties: { server: { properties: object } } };
    assert.deepEqual(Object.keys(schema.properties.server.properties), [
      'listen',
      'tls',
      'tokens',
      'clients',
      'trust-proxy',
      'audit',
      'grpc',
      'reflection',
    ]);
  });

  for (const [what, text, message] of [
    ['an unknown key', 'server: { tokenz: x }', /^1:11 "tokenz" is not a key of server; did you mean tokens\?/],
    ['an address that is none', 'server: { listen: 8443 }', /^1:19 listen has to be text, or a list of texts/],
    ['a scheme that is none', 'server: { listen: http://x:1 }', /^1:19 "http:\/\/x:1" is not an address to listen on/],
    ['a port that is none', 'server: { listen: [tcp://x:70000] }', /"tcp:\/\/x:70000" is not an address to listen on/],
    ['a scope that is none', 'server: { clients: { a: { subject: CN=a, allow: [rol] } } }', /"rol" is not a scope/],
    ['a subject that is none', 'server: { clients: { a: { subject: a, allow: [read] } } }', /"a" is not a subject/],
    ['a network that is none', 'server: { trust-proxy: [10.0.0.0/40] }', /"10.0.0.0\/40" is not an address or network/],
    [
      'a client with the name of another actor',
      'server: { clients: { schedule: { subject: CN=a, allow: [check] } } }',
      /"schedule" is the name of an actor of the server itself/,
    ],
    ['no key', 'server: { tls: { cert: a } }', /key has to be text/],
    [
      'TCP that everybody could use',
      'server: { listen: tcp://0.0.0.0:80 }',
      /^1:11 a TCP address needs server.tokens or server.clients/,
    ],
    [
      'client certificates without their authority',
      'server: { clients: { a: { subject: CN=a, allow: [read] } } }',
      /^1:11 client certificates need server.tls with cert, key and ca/,
    ],
  ] as const)
    test(`is refused with ${what}`, async () => {
      const [first = '', ...more] = await mistakes(text);
      assert.match(first, message);
      assert.deepEqual(more, []);
    });

  test('names the wrong line of the token file, and files that are missing', async () => {
    writeFileSync(path.join(folder, 'tokens'), '# CI\nci sha256:x read\n');
    const { mistakes: wrong, notes } = await checkConfig(at(WHOLE), schedules);
    assert.deepEqual(wrong, []);
    assert.match(notes.join('\n'), /server, tokens: line 2: the hash is not sha256:/);
    assert.match(notes.join('\n'), /server, tls, cert: ENOENT/);
  });
});

suite('an address to listen on', () => {
  test('may be a socket, a name, and an address of each family', () => {
    assert.deepEqual(parseListen('unix:///a b'), { kind: 'unix', path: '/a b' });
    assert.deepEqual(parseListen('tcp://host-1.example:0'), { kind: 'tcp', host: 'host-1.example', port: 0 });
    assert.deepEqual(parseListen('tcp://[::]:443'), { kind: 'tcp', host: '::', port: 443 });
  });

  for (const text of [
    'unix://relative',
    'unix:///',
    'unix:///run/',
    'tcp://:80',
    'tcp://host',
    `unix:///${'é'.repeat(60)}`,
  ])
    test(`is not ${text.slice(0, 20)}`, () => {
      assert.throws(() => parseListen(text), /address to listen on|at most 107 bytes/);
    });
});
