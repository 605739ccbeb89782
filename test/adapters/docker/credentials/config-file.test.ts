import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import {
  configFile,
  dockerConfigDir,
  parseDockerConfig,
  podmanAuthFile,
} from '../../../../src/adapters/docker/credentials/config-file.ts';
import { SwapError } from '../../../../src/core/model/error.ts';

function fileIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'swc-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'config.json');
}

function refusal(text: string): SwapError {
  try {
    parseDockerConfig(text, '/c.json');
  } catch (error) {
    if (error instanceof SwapError) return error;
  }
  return assert.fail('it was accepted');
}

test('the folder is $DOCKER_CONFIG, else .docker at home, and podman has its own file', () => {
  assert.equal(dockerConfigDir({ DOCKER_CONFIG: '/cfg' }, '/home/me'), '/cfg');
  assert.equal(dockerConfigDir({ DOCKER_CONFIG: '' }, '/home/me'), '/home/me/.docker');
  assert.equal(podmanAuthFile({ XDG_RUNTIME_DIR: '/run/user/1' }), '/run/user/1/containers/auth.json');
  assert.equal(podmanAuthFile({}), undefined);
});

test('a missing file, even in a missing folder or under a file, is an empty configuration', async (t) => {
  const file = fileIn(t);
  assert.deepEqual(await configFile(file)(), {});
  writeFileSync(file, '{}');
  assert.deepEqual(await configFile(join(file, 'config.json'))(), {});
});

test('it is parsed once, and again when it was written, replaced or removed', async (t) => {
  const file = fileIn(t);
  const read = configFile(file);
  writeFileSync(file, '{"credsStore":"a"}');
  const first = await read();
  assert.equal(await read(), first);
  writeFileSync(file, '{"credsStore":"long"}');
  assert.equal((await read()).credsStore, 'long');
  // Same size and time: only the inode shows the change, as when docker login renames a new file into place.
  const { atime, mtime } = statSync(file);
  writeFileSync(`${file}.new`, '{"credsStore":"lang"}');
  utimesSync(`${file}.new`, atime, mtime);
  renameSync(`${file}.new`, file);
  assert.equal((await read()).credsStore, 'lang');
  rmSync(file);
  assert.deepEqual(await read(), {});
});

test('broken JSON is refused by line and column and never shown, not even in the cause', () => {
  const cases: [string, string][] = [
    ['{\n  "auths": {\n    "r.example": { "auth": geheim }\n  }\n}', 'line 3, column 28'],
    ['{"auths":{"r":{"auth":"geheim"}},}', 'line 1, column 34'],
    ['{"auth":"geheim" "x":1}', 'line 1, column 18'],
    ['{"auth":"geheim', 'line 1, column 16'],
    ['{"auth":"geheim"} geheim', 'line 1, column 19'],
    ['geheim', 'line 1, column 1'],
    ['', 'line 1, column 1'],
  ];
  for (const [text, place] of cases) {
    const error = refusal(text);
    assert.equal(error.code, 'config');
    assert.equal(error.message, `/c.json is not valid JSON: the mistake is at ${place}`);
    assert.equal(error.cause, undefined);
  }
});

test('a wrong shape is refused by its path and never shown', () => {
  const error = refusal('{"auths":{"r.example":{"auth":["geheim"]}},"credsStore":12345}');
  assert.match(error.message, /\/c\.json.*auths\.r\.example\.auth.*credsStore/);
  assert.doesNotMatch(JSON.stringify([error.message, error.hint, String(error.cause)]), /geheim|12345/);
});

test('nulls and unknown keys do no harm', () => {
  assert.equal(parseDockerConfig('{"auths":null,"credHelpers":null,"HttpHeaders":{"x":"y"}}', 'f').auths, null);
});

test('a pipe, a device or a folder in its place is refused, and not waited for', async (t) => {
  const file = fileIn(t);
  execFileSync('mkfifo', [file]);
  await assert.rejects(configFile(file)(), {
    code: 'config',
    message: `can't read ${file}: it is a pipe, not a regular file`,
  });
  await assert.rejects(configFile('/dev/zero')(), { code: 'config', message: /it is a device/ });
  await assert.rejects(configFile('/')(), { code: 'config', message: /it is a folder/ });
});

test('a file that may not be read is an error, not an empty configuration', async (t) => {
  const file = fileIn(t);
  writeFileSync(file, '{}');
  chmodSync(file, 0);
  const asNobody = process.getuid?.() === 0;
  if (asNobody) process.seteuid?.(65534);
  try {
    await assert.rejects(configFile(file)(), { code: 'config', message: new RegExp(`can't read ${file}: EACCES`) });
  } finally {
    if (asNobody) process.seteuid?.(0);
  }
});
