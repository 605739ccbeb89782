import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { type Choice, chooseEndpoint, showEndpoint } from '../../../../src/adapters/docker/connect/endpoint.ts';
import type { World } from '../../../../src/adapters/docker/connect/world.ts';
import { SwapError } from '../../../../src/core/model/error.ts';

const SYSTEM = '/var/run/docker.sock';

function world(env: Record<string, string> = {}, files: Record<string, string> = { [SYSTEM]: '' }): World {
  const names = Object.keys(files);
  const list = async (folder: string) => [
    ...new Set(
      names
        .filter((name) => name.startsWith(`${folder}/`))
        .map((name) => name.slice(folder.length + 1).split('/')[0] ?? ''),
    ),
  ];
  return { env, home: '/home/me', read: async (path) => files[path], exists: async (path) => path in files, list };
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

async function refusal(
  choice: Choice,
  where: World,
): Promise<{ code: string; message: string; hint: string | undefined }> {
  try {
    await chooseEndpoint(choice, where);
  } catch (error) {
    if (error instanceof SwapError) return { code: error.code, message: error.message, hint: error.hint };
    throw error;
  }
  return assert.fail('it was accepted');
}

const PROD = contextFiles('prod', { docker: { Host: 'ssh://deploy@prod.example:2222' } });
const CURRENT = { '/home/me/.docker/config.json': JSON.stringify({ currentContext: 'prod' }) };

test('with nothing said it is the system socket', async () => {
  assert.deepEqual(await chooseEndpoint({}, world()), { kind: 'unix', path: SYSTEM, origin: 'the default socket' });
});

test('the rootless socket counts only where the system socket does not exist', async () => {
  const env = { XDG_RUNTIME_DIR: '/run/user/1000' };
  const rootless = { '/run/user/1000/docker.sock': '' };
  const pathOf = async (files: Record<string, string>) => showEndpoint(await chooseEndpoint({}, world(env, files)));
  assert.equal(await pathOf({ ...rootless, [SYSTEM]: '' }), `unix://${SYSTEM}`);
  assert.equal(await pathOf(rootless), 'unix:///run/user/1000/docker.sock');
  assert.equal(await pathOf({}), `unix://${SYSTEM}`);
});

test('the order is --host or --context, DOCKER_HOST, DOCKER_CONTEXT, current context', async () => {
  const files = { ...PROD, ...CURRENT, ...contextFiles('other', { docker: { Host: 'unix:///other.sock' } }) };
  const env = { DOCKER_HOST: 'tcp://from-env', DOCKER_CONTEXT: 'other' };
  const origin = async (choice: Choice, vars: Record<string, string>) =>
    (await chooseEndpoint(choice, world(vars, files))).origin;
  assert.equal(await origin({ host: 'tcp://h' }, env), '--host');
  assert.equal(await origin({ context: 'prod' }, env), 'context "prod"');
  assert.equal(await origin({}, env), 'DOCKER_HOST');
  assert.equal(await origin({}, { DOCKER_CONTEXT: 'other' }), 'context "other"');
  assert.equal(await origin({}, {}), 'context "prod"');
});

test('--host together with --context is wrong usage', async () => {
  assert.equal((await refusal({ host: 'tcp://h', context: 'prod' }, world())).code, 'usage');
});

test('the context named default means DOCKER_HOST, else the default socket, even if another one is current', async () => {
  const files = { ...PROD, ...CURRENT, [SYSTEM]: '' };
  const shown = async (choice: Choice, env: Record<string, string>) =>
    showEndpoint(await chooseEndpoint(choice, world(env, files)));
  assert.equal(await shown({ context: 'default' }, {}), `unix://${SYSTEM}`);
  assert.equal(await shown({ context: 'default' }, { DOCKER_HOST: 'tcp://h:1' }), 'tcp://h:1');
  assert.equal(await shown({}, { DOCKER_CONTEXT: 'default' }), `unix://${SYSTEM}`);
});

test('addresses are parsed as docker does', async () => {
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
    assert.deepEqual(await chooseEndpoint({ host: text }, world()), { ...expected, origin: '--host' }, text);
});

test('bad addresses are refused by naming their place and what is allowed, without repeating them', async () => {
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
    const { code, message, hint } = await refusal({}, world({ DOCKER_HOST: text }));
    assert.equal(code, 'config', text);
    assert.match(message, /DOCKER_HOST/, text);
    assert.match(hint ?? '', /unix:\/\/\/.*tcp:\/\/.*ssh:\/\//, text);
    assert.doesNotMatch(message, /geheim/);
  }
  assert.equal((await refusal({ host: 'npipe://x' }, world())).code, 'usage');
  assert.match((await refusal({ host: '/x.sock' }, world())).message, /write unix:\/\/\/x\.sock/);
});

test('any DOCKER_TLS_VERIFY, even 0, means verified TLS with the files of DOCKER_CERT_PATH, and port 2376', async () => {
  const files = { '/certs/ca.pem': 'CA', '/certs/cert.pem': 'CERT', '/certs/key.pem': 'KEY' };
  const env = { DOCKER_HOST: 'tcp://h', DOCKER_TLS_VERIFY: '0', DOCKER_CERT_PATH: '/certs' };
  const tls = { ca: 'CA', cert: 'CERT', key: 'KEY', verify: true };
  assert.deepEqual(await chooseEndpoint({}, world(env, files)), {
    kind: 'tcp',
    host: 'h',
    port: 2376,
    tls,
    origin: 'DOCKER_HOST',
  });
});

test('the TLS files are looked for beside config.json by default, and only ca.pem is a must', async () => {
  const env = { DOCKER_TLS_VERIFY: '1', DOCKER_CONFIG: '/cfg' };
  const found = await chooseEndpoint({ host: 'tcp://h' }, world(env, { '/cfg/ca.pem': 'CA' }));
  assert.deepEqual(found.kind === 'tcp' && found.tls, { ca: 'CA', verify: true });
  const { code, message } = await refusal({ host: 'tcp://h' }, world(env, {}));
  assert.deepEqual([code, message.includes('/cfg/ca.pem')], ['config', true]);
});

test('DOCKER_TLS alone encrypts without proof, and TLS settings do not touch a unix socket', async () => {
  const found = await chooseEndpoint({ host: 'tcp://h' }, world({ DOCKER_TLS: '1' }));
  assert.deepEqual(found.kind === 'tcp' && found.tls, { verify: false });
  assert.equal((await chooseEndpoint({}, world({ DOCKER_TLS_VERIFY: '1' }))).kind, 'unix');
});

test('a context brings its own TLS files, and those of the environment do not count', async () => {
  const docker = { Host: 'tcp://h:2376', SkipTLSVerify: false };
  const files = contextFiles('tls', { docker }, { 'ca.pem': 'CA', 'cert.pem': 'CERT', 'key.pem': 'KEY' });
  const tls = { ca: 'CA', cert: 'CERT', key: 'KEY', verify: true };
  const found = await chooseEndpoint(
    { context: 'tls' },
    world({ DOCKER_TLS: '1', DOCKER_CERT_PATH: '/nowhere' }, files),
  );
  assert.deepEqual(found, { kind: 'tcp', host: 'h', port: 2376, tls, origin: 'context "tls"' });
});

test('a context without TLS files is plain tcp unless it skips verification', async () => {
  const tlsOf = async (docker: object) => {
    const found = await chooseEndpoint({ context: 'c' }, world({}, contextFiles('c', { docker })));
    return found.kind === 'tcp' ? found.tls : undefined;
  };
  assert.equal(await tlsOf({ Host: 'tcp://h' }), undefined);
  assert.deepEqual(await tlsOf({ Host: 'tcp://h', SkipTLSVerify: true }), { verify: false });
});

test('an unknown context is refused with a list of the known ones', async () => {
  const unknown = await refusal({ context: 'prd' }, world({}, PROD));
  assert.deepEqual([unknown.code, unknown.hint], ['usage', 'known contexts: default, prod']);
  const current = await refusal({}, world({}, { '/home/me/.docker/config.json': '{"currentContext":"gone"}' }));
  assert.equal(current.code, 'config');
  assert.match(current.message, /currentContext in \/home\/me\/\.docker\/config\.json/);
});

test('a context without a docker endpoint, or with broken metadata, is a configuration error', async () => {
  assert.match((await refusal({ context: 'k8s' }, world({}, contextFiles('k8s', {})))).message, /no docker endpoint/);
  const broken = { [`/home/me/.docker/contexts/meta/${id('b')}/meta.json`]: '{' };
  assert.equal((await refusal({ context: 'b' }, world({}, broken))).code, 'config');
});
