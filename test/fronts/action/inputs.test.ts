import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { load } from 'js-yaml';
import { SwapError } from '../../../src/core/model/error.ts';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import { readInputs } from '../../../src/fronts/action/asked.ts';
import { inputsOf, secretsOf } from '../../../src/fronts/action/input.ts';

const KEY = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA\n-----END OPENSSH PRIVATE KEY-----';

function asked(inputs: Record<string, string>) {
  const env = Object.fromEntries(Object.entries(inputs).map(([name, text]) => [`INPUT_${name.toUpperCase()}`, text]));
  return readInputs(inputsOf(env));
}

function refusal(inputs: Record<string, string>): string {
  try {
    asked(inputs);
  } catch (error) {
    assert.ok(error instanceof SwapError, String(error));
    assert.ok(['usage', 'config'].includes(error.code));
    return [error.message, error.hint].filter(Boolean).join('; ');
  }
  return assert.fail(`${JSON.stringify(inputs)} was taken`);
}

test('one service or several, a roll if nothing else is said', () => {
  const { command, services, dryRun, access } = asked({ service: 'web, shop/api\n  db' });
  assert.deepEqual([command, services, dryRun], ['roll', ['web', 'shop/api', 'db'], false]);
  assert.deepEqual(access, { host: undefined, ssh: undefined, tls: undefined, logins: [], server: undefined });
  assert.deepEqual(asked({ command: 'update' }).services, []);
});

test('a dry run of a roll is a plan', () => {
  const { command, dryRun } = asked({ service: 'web', 'dry-run': 'TRUE' });
  assert.deepEqual([command, dryRun], ['plan', true]);
});

test('what is said about the roll goes to the use case', () => {
  const { signal } = new AbortController();
  const inputs = {
    image: 'app:2',
    settle: '1s',
    force: 'true',
    pull: 'never',
    rehearsal: 'false',
    'drain-idle': 'false',
    strategy: 'stop-first',
  };
  assert.deepEqual(asked({ service: 'web', timeout: '2m', ...inputs }).request(signal), {
    target: askedTarget({ image: 'app:2' }),
    pull: 'never',
    force: true,
    overrides: { settle: '1s', 'drain.idle': 'false', strategy: 'stop-first', rehearsal: 'false' },
    signal,
  });
  assert.equal(asked({ service: 'web', timeout: '2m' }).timeoutMs, 120_000);
});

test('host, user and port are an address of ssh, with its key and known hosts', () => {
  const { access } = asked({
    service: 'web',
    host: 'box.example',
    user: 'me',
    port: '2222',
    'ssh-key': KEY,
    'known-hosts': 'box k',
  });
  assert.deepEqual([access.host, access.ssh], ['ssh://me@box.example:2222', { key: KEY, knownHosts: 'box k' }]);
  assert.equal(asked({ service: 'web', host: 'fe80::1' }).access.host, 'ssh://[fe80::1]');
});

test('TLS of a tcp address, and a login', () => {
  const tls = { 'tls-ca': 'A', 'tls-cert': 'B', 'tls-key': 'C' };
  const { access } = asked({ service: 'web', 'docker-host': 'tcp://box:2376', ...tls, username: 'u', password: 'p' });
  assert.deepEqual(access.tls, { verify: true, ca: 'A', cert: 'B', key: 'C' });
  assert.deepEqual(access.logins, [{ registry: 'docker.io', username: 'u', password: 'p' }]);
});

test('a server and its token, instead of an engine', () => {
  const { access } = asked({ service: 'web', server: 'https://shop.example:8443', token: 'swapctl_x' });
  assert.deepEqual(access.server, { address: 'https://shop.example:8443', token: 'swapctl_x' });
  for (const name of ['docker-host', 'host', 'ssh-key', 'tls-ca', 'registry', 'password', 'config'])
    assert.match(refusal({ service: 'web', server: 'https://shop.example', [name]: 'x' }), /no meaning with server/);
});

const REFUSED: [Record<string, string>, RegExp][] = [
  [{}, /input service is missing.*which service to roll/],
  [{ service: '--force' }, /begins with a dash/],
  [{ service: 'web', command: 'destroy' }, /command is "destroy".*roll, plan, rollback, update/],
  [{ service: 'web', force: 'yes' }, /force is "yes".*true or false/],
  [{ service: 'web', image: 'app:1\n::error::x' }, /image has a line break/],
  [{ service: 'web', image: 'APP:1' }, /lower case/],
  [{ service: 'web', settle: 'soon' }, /no duration/],
  [{ service: 'web', timeout: 'soon' }, /timeout: "soon" is no duration/],
  [{ service: 'web api', command: 'rollback' }, /one at a time/],
  [{ service: 'web', command: 'rollback', 'dry-run': 'true' }, /use the command plan/],
  [{ service: 'web', command: 'update', image: 'app:1' }, /image has no meaning/],
  [{ service: 'web', host: 'box', 'docker-host': 'ssh://box' }, /host contradicts docker-host/],
  [{ service: 'web', user: 'me' }, /user needs host/],
  [{ service: 'web', host: '-oProxyCommand=sh' }, /input host is/],
  [{ service: 'web', host: 'box\nevil' }, /host has a line break/],
  [{ service: 'web', host: 'box/../x' }, /input host is/],
  [{ service: 'web', host: 'box', user: '-l' }, /no name of a user/],
  [{ service: 'web', host: 'box', port: '22;x' }, /1 to 65535/],
  [
    { service: 'web', host: 'box', port: '2222', 'ssh-key': KEY },
    /known-hosts is missing.*ssh-keyscan -p 2222 box.*fingerprint/,
  ],
  [{ service: 'web', host: 'box', 'ssh-key': 'ssh-ed25519 AAAA me', 'known-hosts': 'k' }, /is no private key/],
  [{ service: 'web', 'ssh-key': KEY, 'known-hosts': 'k' }, /not reached over ssh/],
  [{ service: 'web', 'tls-ca': 'A' }, /not reached over tcp/],
  [{ service: 'web', 'docker-host': 'tcp://box', 'tls-ca': 'A', 'tls-cert': 'B' }, /tls-key is missing/],
  [{ service: 'web', 'docker-host': 'tcp://box', 'tls-cert': 'B', 'tls-key': 'C' }, /tls-ca is missing/],
  [{ service: 'web', password: 'p' }, /username is missing/],
  [{ service: 'web', registry: 'https://ghcr.io', username: 'u', password: 'p' }, /registry is no host/],
  [{ service: 'web', comment: 'true' }, /needs a token/],
  [{ service: 'web', token: 'swapctl_x' }, /token needs server.*swapctl serve/],
];

for (const [inputs, expected] of REFUSED) {
  test(`refused: ${JSON.stringify(inputs).slice(0, 90)}`, () => {
    assert.match(refusal(inputs).replaceAll('\n', ' '), expected);
  });
}

test('secrets are masked line by line', () => {
  const env = { 'INPUT_SSH-KEY': KEY, INPUT_PASSWORD: 'p4ss', INPUT_TOKEN: 'swapctl_x' };
  assert.deepEqual(secretsOf(inputsOf(env)), ['swapctl_x', 'p4ss', ...KEY.split('\n')]);
});

test('action.yml names what is read, and nothing else', () => {
  const text = readFileSync(new URL('../../../action.yml', import.meta.url), 'utf8');
  const { inputs, outputs, runs } = load(text) as Record<string, Record<string, unknown>>;
  const read = new Set<string>();
  const all = { command: 'roll', service: 'web', comment: 'true', 'github-token': 't' };
  readInputs((name) => {
    read.add(name);
    return all[name as keyof typeof all];
  });
  assert.deepEqual([...read].sort(), Object.keys(inputs ?? {}).sort());
  assert.deepEqual(Object.keys(outputs ?? {}).sort(), [
    'from-digest',
    'from-image',
    'outcome',
    'report',
    'seconds',
    'to-digest',
    'to-image',
  ]);
  assert.deepEqual([runs?.main, runs?.post, runs?.['post-if']], ['dist/action.js', 'dist/action.js', 'always()']);
});
