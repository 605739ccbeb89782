// The engine of this machine, by the other connections that Docker knows.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { swapctl } from '../lab/cli.ts';
import { startSshd } from '../lab/sshd.ts';
import { testWorld, untilHealthy } from '../lab/world.ts';

const QUICK = ['--settle', '300ms', '--drain-timeout', '1s'];

test('a roll over ssh ends like one over the socket', async (t) => {
  const world = testWorld(t);
  const sshd = await startSshd();
  t.after(() => sshd.stop());
  const before = await world.image('app:1', { from: 'httpd' });
  const after = await world.image('app:2', { from: 'httpd' });
  await untilHealthy(await world.container('web', { image: before, network: await world.network('net') }));
  const env = { ...world.env, PATH: `${sshd.bin}:${world.env.PATH}`, DOCKER_HOST: sshd.dockerHost };
  const roll = await swapctl(['roll', world.name('web'), '--image', after, '--json', ...QUICK], { env });
  assert.equal(roll.code, 0, roll.stderr);
  assert.equal(roll.json().outcome, 'rolled');
});

test("Docker's current context says which engine is meant, and an unknown one lists the known", async (t) => {
  const world = testWorld(t);
  await world.container('web', { image: await world.image('app:1', { from: 'httpd' }) });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-context-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const meta = path.join(folder, 'contexts', 'meta', createHash('sha256').update('here').digest('hex'));
  mkdirSync(meta, { recursive: true });
  const context = {
    Name: 'here',
    Metadata: {},
    Endpoints: { docker: { Host: world.dockerHost, SkipTLSVerify: false } },
  };
  writeFileSync(path.join(meta, 'meta.json'), JSON.stringify(context));
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ currentContext: 'here' }));
  const env = { ...world.env, DOCKER_CONFIG: folder, DOCKER_HOST: undefined };
  const status = await swapctl(['status', world.name('web'), '--json'], { env });
  assert.equal(status.json()[0].service, world.name('web'));
  const unknown = await swapctl(['--context', 'there', 'status'], { env });
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /here/);
});

test('an engine that does not answer ends with 5, and says where it was looked for', async () => {
  const status = await swapctl(['status'], { env: { ...process.env, DOCKER_HOST: 'unix:///no/such/docker.sock' } });
  assert.equal(status.code, 5);
  assert.match(status.stderr, /no Docker Engine answers at unix:\/\/\/no\/such\/docker\.sock/);
});

test('a library that is told to show what it sends shows nothing: logins to registries are among it', async (t) => {
  const world = testWorld(t);
  await world.container('web', { image: await world.image('app:1', { from: 'httpd' }) });
  const status = await swapctl(['status', world.name('web')], { env: { ...world.env, DEBUG: '*' } });
  assert.equal(status.code, 0, status.stderr);
  assert.equal(status.stderr, '');
});
