// A step of a workflow that rolls on another machine: a second engine in a network namespace of its own, reached by a real sshd
// there, and over TCP with TLS.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, before, suite } from 'node:test';
import { type OtherEngine, startEngine } from '../../lab/engines.ts';
import { makePki, type Pki } from '../../lab/pki.ts';
import { stepRunner } from '../../lab/runner.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import { testWorld, untilHealthy } from '../../lab/world.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';
const QUICK = { settle: '300ms', 'drain-timeout': '1s' };
const PORT = 2376;

suite('on another machine', { skip }, () => {
  let engine: OtherEngine;
  let sshd: Sshd;
  let pki: Pki;

  before(async () => {
    pki = makePki();
    const { ca, cert, key } = pki.server;
    const tls = ['--tlsverify', `--tlscacert=${ca}`, `--tlscert=${cert}`, `--tlskey=${key}`];
    engine = await startEngine('remote', { flags: [`--host=tcp://0.0.0.0:${PORT}`, ...tls] });
    sshd = await startSshd({ netns: engine.netns, address: engine.address });
  });
  after(async () => {
    await sshd?.stop();
    await engine?.stop();
    pki?.remove();
  });

  test('ssh: rolls where the key of the host is the known one, and refuses any other and none', async (t) => {
    const world = testWorld(t, engine);
    const [v1, v2] = [await world.image('app:1', { from: 'httpd' }), await world.image('app:2', { from: 'httpd' })];
    await untilHealthy(await world.container('web', { image: v1, network: await world.network('net') }));
    const runner = stepRunner(t);
    const socket = new URL(engine.dockerHost).pathname;
    const key = readFileSync(sshd.key, 'utf8');
    const known = readFileSync(sshd.knownHosts, 'utf8');
    const inputs = { service: world.name('web'), image: v2, pull: 'never', ...QUICK, 'ssh-key': key };
    const address = { 'docker-host': `${sshd.dockerHost}${socket}` };

    const other = `[${sshd.address}]:${sshd.port} ${readFileSync(`${sshd.key}.pub`, 'utf8')}`;
    const refusals: [string, Record<string, string>, number, RegExp][] = [
      ['another key', { ...address, 'known-hosts': other }, 5, /its key is not the one you trust/],
      [
        'the key of another host',
        { ...address, 'known-hosts': known.replace(sshd.address, 'other') },
        5,
        /Host key verification failed/,
      ],
      ['no known host', address, 2, /known-hosts is missing.*ssh-keyscan -p 2222/],
    ];
    for (const [what, more, status, expected] of refusals) {
      const refused = await runner.run({ inputs: { ...inputs, ...more } });
      assert.equal(refused.code, status, `${what}: ${refused.log}`);
      assert.match(refused.log, expected, what);
    }
    const stranger = await runner.run({
      inputs: { ...inputs, ...address, 'known-hosts': known, 'ssh-key': pki.strangeKey },
    });
    assert.deepEqual([stranger.code, /Permission denied/.test(stranger.log)], [5, true], stranger.log);

    const rolled = await runner.run({ inputs: { ...inputs, ...address, 'known-hosts': known } });
    assert.deepEqual([rolled.code, rolled.outputs.outcome], [0, 'rolled'], rolled.log);
    assert.deepEqual(rolled.left, [], 'no key is left');
    assert.equal(rolled.log.includes(key.split('\n')[1] ?? ''), true, 'only as a mask');
    assert.equal(rolled.log.replace(/^::add-mask::.*$/gm, '').includes(key.split('\n')[1] ?? ''), false);
  });

  test('tcp: rolls with a certificate that the engine trusts, and with no other', async (t) => {
    const world = testWorld(t, engine);
    const [v1, v2] = [await world.image('app:1', { from: 'httpd' }), await world.image('app:2', { from: 'httpd' })];
    await untilHealthy(await world.container('web', { image: v1, network: await world.network('net') }));
    const runner = stepRunner(t);
    const inputs = { service: world.name('web'), image: v2, pull: 'never', ...QUICK };
    const run = (more: Record<string, string>) =>
      runner.run({ inputs: { ...inputs, 'docker-host': `tcp://${engine.address}:${PORT}`, ...more } });
    const good = { 'tls-ca': pki.ca, 'tls-cert': pki.client.cert, 'tls-key': pki.client.key };

    const refusals: [string, Record<string, string>, RegExp][] = [
      ['none', { 'tls-ca': pki.ca }, /refused the TLS certificate of this client/],
      [
        'of another authority',
        { 'tls-ca': pki.ca, 'tls-cert': pki.strange.cert, 'tls-key': pki.strange.key },
        /refused the TLS certificate/,
      ],
      ['another engine', { ...good, 'tls-ca': pki.strange.cert }, /certificate of the engine.*can't be verified/],
    ];
    for (const [what, more, expected] of refusals) {
      const refused = await run(more);
      assert.equal(refused.code, 5, `${what}: ${refused.log}`);
      assert.match(refused.log, expected, what);
    }
    const rolled = await run(good);
    assert.deepEqual([rolled.code, rolled.outputs.outcome], [0, 'rolled'], rolled.log);
  });
});
