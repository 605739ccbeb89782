import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { SwapError } from '../../../src/core/error.ts';
import { type Choice, chooseEndpoint, showEndpoint } from '../../../src/docker/connect/endpoint.ts';
import type { World } from '../../../src/docker/connect/world.ts';

const SYSTEM = '/var/run/docker.sock';

function world(env: Record<string, string> = {}, files: Record<string, string> = { [SYSTEM]: '' }): World {
  const names = Object.keys(files);
  const list = (folder: string) => [
    ...new Set(
      names
        .filter((name) => name.startsWith(`${folder}/`))
        .map((name) => name.slice(folder.length + 1).split('/')[0] ?? ''),
    ),
  ];
  return { env, home: '/home/me', read: (path) => files[path], exists: (path) => path in files, list };
}

const id = (name: string) => createHash('sha256').update(name).digest('hex');

function contextFiles(name: string, endpoints: object, tls: Record<string, string> = {}): Record<string, string> {
  const meta = {
    [`/home/me/.docker/contexts/meta/${id(name)}/meta.json`]: JSON.stringify({ Name: name, Endpoints: endpoints }),
  };
  const pems = Object.entries(tls).map(([file, text]) => [
    `/home/me/.docker/contexts/tls/${id(name)}/docker/${file}`,
    text,
  ]);
  return { ...meta, ...Object.fromEntries(pems) };
}

function refusal(choice: Choice, where: World): { code: string; message: string; hint: string | undefined } {
  try {
    chooseEndpoint(choice, where);
  } catch (error) {
    if (error instanceof SwapError) return { code: error.code, message: error.message, hint: error.hint };
    throw error;
  }
  return assert.fail('it was accepted');
}

const PROD = contextFiles('prod', { docker: { Host: 'ssh://deploy@prod.example:2222' } });
const CURRENT = { '/home/me/.docker/config.json': JSON.stringify({ currentContext: 'prod' }) };

test('with nothing said it is the system socket', () => {
  assert.deepEqual(chooseEndpoint({}, world()), { kind: 'unix', path: SYSTEM, origin: 'the default socket' });
});

test('the rootless socket counts only where the system socket does not exist', () => {
  const env = { XDG_RUNTIME_DIR: '/run/user/1000' };
  const rootless = { '/run/user/1000/docker.sock': '' };
  const pathOf = (files: Record<string, string>) => showEndpoint(chooseEndpoint({}, world(env, files)));
  assert.equal(pathOf({ ...rootless, [SYSTEM]: '' }), `unix://${SYSTEM}`);
  assert.equal(pathOf(rootless), 'unix:///run/user/1000/docker.sock');
  assert.equal(pathOf({}), `unix://${SYSTEM}`);
});

test('the order is --host or --context, DOCKER_HOST, DOCKER_CONTEXT, current context', () => {
  const files = { ...PROD, ...CURRENT, ...contextFiles('other', { docker: { Host: 'unix:///other.sock' } }) };
  const env = { DOCKER_HOST: 'tcp://from-env', DOCKER_CONTEXT: 'other' };
  const origin = (choice: Choice, vars: Record<string, string>) => chooseEndpoint(choice, world(vars, files)).origin;
  assert.equal(origin({ host: 'tcp://h' }, env), '--host');
  assert.equal(origin({ context: 'prod' }, env), 'context "prod"');
  assert.equal(origin({}, env), 'DOCKER_HOST');
  assert.equal(origin({}, { DOCKER_CONTEXT: 'other' }), 'context "other"');
  assert.equal(origin({}, {}), 'context "prod"');
});

test('--host together with --context is wrong usage', () => {
  assert.equal(refusal({ host: 'tcp://h', context: 'prod' }, world()).code, 'usage');
});

test('the context named default means DOCKER_HOST, else the default socket, even if another one is current', () => {
  const files = { ...PROD, ...CURRENT, [SYSTEM]: '' };
  const shown = (choice: Choice, env: Record<string, string>) =>
    showEndpoint(chooseEndpoint(choice, world(env, files)));
  assert.equal(shown({ context: 'default' }, {}), `unix://${SYSTEM}`);
  assert.equal(shown({ context: 'default' }, { DOCKER_HOST: 'tcp://h:1' }), 'tcp://h:1');
  assert.equal(shown({}, { DOCKER_CONTEXT: 'default' }), `unix://${SYSTEM}`);
});

test('addresses are parsed as docker does', () => {
  const cases: [string, object][] = [
    ['unix:///run/d.sock', { kind: 'unix', path: '/run/d.sock' }],
    ['unix://', { kind: 'unix', path: SYSTEM }],
    ['tcp://10.0.0.1', { kind: 'tcp', host: '10.0.0.1', port: 2375 }],
    ['tcp://host:1234/', { kind: 'tcp', host: 'host', port: 1234 }],
    ['tcp://:1234', { kind: 'tcp', host: 'localhost', port: 1234 }],
    ['host:1234', { kind: 'tcp', host: 'host', port: 1234 }],
    ['tcp://[::1]:1234', { kind: 'tcp', host: '::1', port: 1234 }],
    ['ssh://box', { kind: 'ssh', host: 'box' }],
    ['ssh://me@my_box:22', { kind: 'ssh', host: 'my_box', user: 'me', port: 22 }],
    [
      'ssh://me@[fe80::1]:23/run/user/1/docker.sock',
      { kind: 'ssh', host: 'fe80::1', user: 'me', port: 23, socket: '/run/user/1/docker.sock' },
    ],
  ];
  for (const [text, expected] of cases)
    assert.deepEqual(chooseEndpoint({ host: text }, world()), { ...expected, origin: '--host' }, text);
});

test('bad addresses are refused by naming their place and what is allowed, without repeating them', () => {
  const bad = [
    'npipe:////./pipe/docker_engine',
    'fd://',
    'http://h',
    '/var/run/docker.sock',
    'unix://rel.sock',
    'tcp://h/path',
    'tcp://u:geheim@h',
    'ssh://u:geheim@h',
    'ssh://',
    'ssh://-oProxyCommand=x',
    'ssh://-l@h',
    'ssh://h?x=1',
    'ssh://%zz@h',
    'tcp://h:99999',
    'tcp://a b',
  ];
  for (const text of bad) {
    const { code, message, hint } = refusal({}, world({ DOCKER_HOST: text }));
    assert.equal(code, 'config', text);
    assert.match(message, /DOCKER_HOST/, text);
    assert.match(hint ?? '', /unix:\/\/\/.*tcp:\/\/.*ssh:\/\//, text);
    assert.doesNotMatch(message, /geheim/);
  }
  assert.equal(refusal({ host: 'npipe://x' }, world()).code, 'usage');
  assert.match(refusal({ host: '/x.sock' }, world()).message, /write unix:\/\/\/x\.sock/);
});

test('any DOCKER_TLS_VERIFY, even 0, means verified TLS with the files of DOCKER_CERT_PATH, and port 2376', () => {
  const files = { '/certs/ca.pem': 'CA', '/certs/cert.pem': 'CERT', '/certs/key.pem': 'KEY' };
  const env = { DOCKER_HOST: 'tcp://h', DOCKER_TLS_VERIFY: '0', DOCKER_CERT_PATH: '/certs' };
  const tls = { ca: 'CA', cert: 'CERT', key: 'KEY', verify: true };
  assert.deepEqual(chooseEndpoint({}, world(env, files)), {
    kind: 'tcp',
    host: 'h',
    port: 2376,
    tls,
    origin: 'DOCKER_HOST',
  });
});

test('the TLS files are looked for beside config.json by default, and only ca.pem is a must', () => {
  const env = { DOCKER_TLS_VERIFY: '1', DOCKER_CONFIG: '/cfg' };
  const found = chooseEndpoint({ host: 'tcp://h' }, world(env, { '/cfg/ca.pem': 'CA' }));
  assert.deepEqual(found.kind === 'tcp' && found.tls, { ca: 'CA', verify: true });
  const { code, message } = refusal({ host: 'tcp://h' }, world(env, {}));
  assert.deepEqual([code, message.includes('/cfg/ca.pem')], ['config', true]);
});

test('DOCKER_TLS alone encrypts without proof, and TLS settings do not touch a unix socket', () => {
  const found = chooseEndpoint({ host: 'tcp://h' }, world({ DOCKER_TLS: '1' }));
  assert.deepEqual(found.kind === 'tcp' && found.tls, { verify: false });
  assert.equal(chooseEndpoint({}, world({ DOCKER_TLS_VERIFY: '1' })).kind, 'unix');
});

test('a context brings its own TLS files, and those of the environment do not count', () => {
  const docker = { Host: 'tcp://h:2376', SkipTLSVerify: false };
  const files = contextFiles('tls', { docker }, { 'ca.pem': 'CA', 'cert.pem': 'CERT', 'key.pem': 'KEY' });
  const tls = { ca: 'CA', cert: 'CERT', key: 'KEY', verify: true };
  const found = chooseEndpoint({ context: 'tls' }, world({ DOCKER_TLS: '1', DOCKER_CERT_PATH: '/nowhere' }, files));
  assert.deepEqual(found, { kind: 'tcp', host: 'h', port: 2376, tls, origin: 'context "tls"' });
});

test('a context without TLS files is plain tcp unless it skips verification', () => {
  const tlsOf = (docker: object) => {
    const found = chooseEndpoint({ context: 'c' }, world({}, contextFiles('c', { docker })));
    return found.kind === 'tcp' ? found.tls : undefined;
  };
  assert.equal(tlsOf({ Host: 'tcp://h' }), undefined);
  assert.deepEqual(tlsOf({ Host: 'tcp://h', SkipTLSVerify: true }), { verify: false });
});

test('an unknown context is refused with a list of the known ones', () => {
  const unknown = refusal({ context: 'prd' }, world({}, PROD));
  assert.deepEqual([unknown.code, unknown.hint], ['usage', 'known contexts: default, prod']);
  const current = refusal({}, world({}, { '/home/me/.docker/config.json': '{"currentContext":"gone"}' }));
  assert.equal(current.code, 'config');
  assert.match(current.message, /currentContext in \/home\/me\/\.docker\/config\.json/);
});

test('a context without a docker endpoint, or with broken metadata, is a configuration error', () => {
  assert.match(refusal({ context: 'k8s' }, world({}, contextFiles('k8s', {}))).message, /no docker endpoint/);
  const broken = { [`/home/me/.docker/contexts/meta/${id('b')}/meta.json`]: '{' };
  assert.equal(refusal({ context: 'b' }, world({}, broken)).code, 'config');
});
