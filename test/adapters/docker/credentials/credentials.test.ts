import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openCredentials } from '../../../../src/adapters/docker/credentials/credentials.ts';
import { runProgram } from '../../../../src/adapters/docker/credentials/helper.ts';
import { SwapError } from '../../../../src/core/model/error.ts';
import type { LoginFor } from '../../../../src/ports/ports.ts';
import { eventually, SAFETY_NET_MS } from '../../../lab/waiting.ts';

const HUB = 'https://index.docker.io/v1/';
const base64 = (text: string) => Buffer.from(text).toString('base64');

type House = {
  readonly folder: string;
  readonly credentialsFor: LoginFor;
  readonly config: (config: unknown) => void;
  readonly podman: (config: unknown) => void;
  /** Writes docker-credential-<name>; its stdin goes to `<name>.asked`. */
  readonly helper: (name: string, body: string) => void;
  readonly asked: (name: string) => string[];
};

function house(t: TestContext, timeoutMs = SAFETY_NET_MS): House {
  const folder = mkdtempSync(join(tmpdir(), 'swc-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  mkdirSync(join(folder, 'run/containers'), { recursive: true });
  const path = process.env.PATH;
  process.env.PATH = `${bin}:${path}`;
  t.after(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true, force: true });
  });
  const write = (file: string) => (config: unknown) => writeFileSync(join(folder, file), JSON.stringify(config));
  const env = { DOCKER_CONFIG: folder, XDG_RUNTIME_DIR: join(folder, 'run') };
  const run: typeof runProgram = (program, args, input) => runProgram(program, args, input, timeoutMs);
  const asked = (name: string) => {
    const file = join(folder, `${name}.asked`);
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  };
  const helper = (name: string, body: string) => {
    const file = join(bin, `docker-credential-${name}`);
    writeFileSync(file, `#!/bin/sh\nread -r server\necho "$1 $server" >> ${join(folder, `${name}.asked`)}\n${body}\n`);
    chmodSync(file, 0o755);
  };
  const credentialsFor = openCredentials({ env, home: '/nonexistent', run });
  return {
    folder,
    credentialsFor,
    config: write('config.json'),
    podman: write('run/containers/auth.json'),
    helper,
    asked,
  };
}

const answering = (username: string, secret: string) =>
  `echo '${JSON.stringify({ ServerURL: 'x', Username: username, Secret: secret })}'`;
const EMPTY = 'echo "credentials not found in native keychain"; exit 1';

async function refusal(asked: Promise<unknown>): Promise<SwapError> {
  const error = await asked.then(
    () => assert.fail('there was no error'),
    (thrown) => thrown,
  );
  assert.ok(error instanceof SwapError, String(error));
  return error;
}

test('without any file there is no credential', async (t) => {
  assert.equal(await house(t).credentialsFor('ghcr.io'), undefined);
});

test('an entry of auths is decoded, colons in the password included', async (t) => {
  const { credentialsFor, config } = house(t);
  config({ auths: { 'ghcr.io': { auth: base64('me:pa:ss\0\0') }, 'plain.io': { username: 'u', password: 'p' } } });
  assert.deepEqual(await credentialsFor('ghcr.io'), { username: 'me', password: 'pa:ss', serveraddress: 'ghcr.io' });
  assert.deepEqual(await credentialsFor('plain.io'), { username: 'u', password: 'p', serveraddress: 'plain.io' });
  assert.equal(await credentialsFor('ghcr.io:443'), undefined);
});

test('Docker Hub is found under its key by each of its names', async (t) => {
  const { credentialsFor, config } = house(t);
  config({ auths: { [HUB]: { auth: base64('me:p') } } });
  for (const name of ['docker.io', 'index.docker.io', 'registry-1.docker.io'])
    assert.deepEqual(await credentialsFor(name), { username: 'me', password: 'p', serveraddress: HUB });
});

test('keys with a scheme or a path are found by host, after an exact one', async (t) => {
  const { credentialsFor, config } = house(t);
  config({ auths: { 'https://r.io/v2/': { auth: base64('old:p') }, 'docker.io': { auth: base64('hub:p') } } });
  assert.deepEqual(await credentialsFor('r.io'), { username: 'old', password: 'p', serveraddress: 'r.io' });
  assert.deepEqual(await credentialsFor('docker.io'), { username: 'hub', password: 'p', serveraddress: HUB });
  config({ auths: { 'https://r.io/v2/': { auth: base64('old:p') }, 'r.io': { auth: base64('new:p') } } });
  assert.deepEqual(await credentialsFor('r.io'), { username: 'new', password: 'p', serveraddress: 'r.io' });
});

test('an identity token in auths is given as such', async (t) => {
  const { credentialsFor, config } = house(t);
  config({ auths: { 'r.io': { auth: base64('00000000-0000-0000-0000-000000000000:'), identitytoken: 'tok' } } });
  assert.deepEqual(await credentialsFor('r.io'), { identitytoken: 'tok', serveraddress: 'r.io' });
});

test('an auth that is not user:password is an error that does not show it', async (t) => {
  const { credentialsFor, config, folder } = house(t);
  config({ auths: { 'r.io': { auth: base64('geheim') } } });
  const error = await refusal(credentialsFor('r.io'));
  assert.equal(error.code, 'config');
  assert.match(error.message, new RegExp(`r\\.io of auths in ${folder}/config\\.json`));
  assert.doesNotMatch(error.message + error.hint, new RegExp(`geheim|${base64('geheim')}`));
});

test('the helper of exactly this host comes first, then the store, then the file', async (t) => {
  const { credentialsFor, config, helper, asked } = house(t);
  helper('one', answering('one', 'p'));
  helper('all', `[ "$server" = stored.io ] && ${answering('all', 'p')} || { ${EMPTY}; }`);
  const auth = base64('file:p');
  config({
    credHelpers: { 'one.io': 'one' },
    credsStore: 'all',
    auths: { 'one.io': { auth }, 'stored.io': { auth }, 'file.io': { auth }, 'none.io': {} },
  });
  const userOf = async (host: string) => {
    const found = await credentialsFor(host);
    return found && 'username' in found ? found.username : undefined;
  };
  assert.deepEqual(await Promise.all(['one.io', 'stored.io', 'file.io', 'none.io', 'sub.one.io'].map(userOf)), [
    'one',
    'all',
    'file',
    undefined,
    undefined,
  ]);
  assert.deepEqual(asked('one'), ['get one.io']);
});

test('a helper is asked for Docker Hub under its key, whichever name config.json uses', async (t) => {
  const { credentialsFor, config, helper, asked } = house(t);
  helper('hub', answering('h', 'p'));
  for (const key of [HUB, 'docker.io']) {
    config({ credHelpers: { [key]: 'hub' } });
    assert.deepEqual(await credentialsFor('docker.io'), { username: 'h', password: 'p', serveraddress: HUB });
  }
  assert.deepEqual(asked('hub'), [`get ${HUB}`, `get ${HUB}`]);
});

test('the user <token> of a helper means an identity token', async (t) => {
  const { credentialsFor, config, helper } = house(t);
  helper('acr', answering('<token>', 'tok'));
  config({ credHelpers: { 'x.azurecr.io': 'acr' } });
  assert.deepEqual(await credentialsFor('x.azurecr.io'), { identitytoken: 'tok', serveraddress: 'x.azurecr.io' });
});

test('a helper that is missing is an error that says what to install', async (t) => {
  const { credentialsFor, config } = house(t);
  config({ credsStore: 'nowhere' });
  const error = await refusal(credentialsFor('ghcr.io'));
  assert.equal(error.code, 'login');
  assert.match(error.message, /docker-credential-nowhere.*ghcr\.io.*not on the PATH/);
  assert.match(error.hint ?? '', /install docker-credential-nowhere/);
});

test('a helper that fails is an error with its own reason, unless that could hold a secret', async (t) => {
  const { credentialsFor, config, helper } = house(t);
  config({ credsStore: 'bad' });
  const message = async (body: string) => {
    helper('bad', body);
    const error = await refusal(credentialsFor('ghcr.io'));
    assert.equal(error.code, 'login');
    return error.message;
  };
  assert.match(await message('echo "the keychain is locked"; exit 1'), /failed for ghcr\.io: the keychain is locked/);
  assert.match(await message(`${answering('u', 'geheim')}; exit 3`), /failed for ghcr\.io: exit status 3$/);
  assert.match(await message('exit 2'), /exit status 2/);
  assert.match(await message('kill -9 $$'), /it was killed/);
  assert.match(await message('echo geheim'), /can't be understood$/);
});

test('a helper that does not read its input is heard all the same', async (t) => {
  const { credentialsFor, config, folder } = house(t);
  const file = join(folder, 'bin/docker-credential-deaf');
  writeFileSync(file, `#!/bin/sh\nexec <&-\n${answering('u', 'p')}\n`);
  chmodSync(file, 0o755);
  config({ credsStore: 'deaf' });
  assert.deepEqual(await credentialsFor('r.io'), { username: 'u', password: 'p', serveraddress: 'r.io' });
});

test('a helper that hangs is ended with all that it started', async (t) => {
  const { credentialsFor, config, helper, folder } = house(t, 300);
  helper('slow', `sleep 31 & echo $! > ${folder}/sleeper; wait`);
  config({ credsStore: 'slow' });
  assert.match((await refusal(credentialsFor('r.io'))).message, /docker-credential-slow did not answer within/);
  const sleeper = readFileSync(join(folder, 'sleeper'), 'utf8').trim();
  const state = () =>
    readdirSync('/proc').includes(sleeper) ? readFileSync(`/proc/${sleeper}/stat`, 'utf8').split(' ')[2] : 'gone';
  await eventually('what the helper started has ended', async () => ['gone', 'Z'].includes(state() ?? ''));
});

test('a new login is seen without a restart', async (t) => {
  const { credentialsFor, config } = house(t);
  config({ auths: { 'r.io': { auth: base64('a:1') } } });
  await credentialsFor('r.io');
  config({ auths: { 'r.io': { auth: base64('bb:22') } } });
  assert.deepEqual(await credentialsFor('r.io'), { username: 'bb', password: '22', serveraddress: 'r.io' });
});

test("podman's login is the last resort", async (t) => {
  const { credentialsFor, config, podman } = house(t);
  podman({ auths: { 'quay.io': { auth: base64('pod:p') }, 'r.io': { auth: base64('pod:p') } } });
  assert.deepEqual(await credentialsFor('quay.io'), { username: 'pod', password: 'p', serveraddress: 'quay.io' });
  config({ auths: { 'r.io': { auth: base64('doc:p') } } });
  assert.deepEqual(await credentialsFor('r.io'), { username: 'doc', password: 'p', serveraddress: 'r.io' });
});

test('a login that is given beats what the files hold, for its registry alone', async (t) => {
  const { folder, config } = house(t);
  config({ auths: { 'ghcr.io': { auth: base64('file:secret') }, [HUB]: { auth: base64('file:secret') } } });
  const given = [{ registry: 'docker.io', username: 'given', password: 'p' }];
  const loginFor = openCredentials({ env: { DOCKER_CONFIG: folder }, home: folder, given });
  assert.deepEqual(await loginFor('registry-1.docker.io'), { username: 'given', password: 'p', serveraddress: HUB });
  assert.deepEqual(await loginFor('ghcr.io'), { username: 'file', password: 'secret', serveraddress: 'ghcr.io' });
});
