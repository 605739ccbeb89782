import assert from 'node:assert/strict';
import { copyFileSync, existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { connect } from 'node:tls';
import { certificate } from '../../fronts/server/certificate.ts';
import { swapctl } from '../../lab/cli.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, untilHealthy } from '../../lab/world.ts';
import { socketFolder, startServe } from './serve-process.ts';

const WAIT = { prefer: 'wait=120' };
const LABELS = { 'swapctl.settle': '300ms', 'swapctl.drain.timeout': '1s', 'swapctl.window': '' };

async function webOf(t: Parameters<typeof testWorld>[0]) {
  const world = testWorld(t);
  const v1 = await world.image('app:1', { health: { intervalMs: 500 } });
  const v2 = await world.image('app:2', { health: { intervalMs: 500 } });
  await untilHealthy(await world.container('web', { image: v1, labels: LABELS }));
  return { world, v1, v2, web: world.name('web'), folder: socketFolder(world) };
}

test('serve rolls by HTTP over its socket, tells of it by events, and ends with what is under way', async (t) => {
  const { world, v2, web, folder } = await webOf(t);
  const serve = await startServe(world, folder, [web]);
  assert.equal(statSync(serve.socket).mode & 0o777, 0o660);

  const wrong = await serve.call('/v1/rolls', { method: 'POST', body: { service: web, image: 'App:2' } });
  assert.deepEqual([wrong.status, wrong.json.code], [400, 'usage']);
  const none = await serve.call('/v1/rolls', { method: 'POST', body: { service: `${web}x` } });
  assert.deepEqual([none.status, none.json.code], [404, 'not-found']);

  const events = serve.stream('/v1/events', /"outcome":"rolled"/);
  const body = { service: web, image: v2, pull: 'never' };
  const roll = await serve.call('/v1/rolls', { method: 'POST', headers: WAIT, body });
  assert.deepEqual([roll.status, roll.json.outcome], [200, 'rolled'], roll.text);
  assert.match(await events, /event: step\ndata: \{"job":"[0-9a-f]{12}".*"kind":"create"/);
  const { Config } = await world.docker.getContainer(web).inspect();
  assert.equal(Config.Labels['swapctl.state.roll'], roll.json.id);
  const shown = await serve.call(`/v1/services/${web}`);
  assert.equal(shown.json.replicas[0].phase, 'serving');
  const back = await serve.call(`/v1/services/${web}/rollback`, {
    method: 'POST',
    headers: WAIT,
    body: { confirm: web },
  });
  assert.deepEqual([back.status, back.json.outcome], [200, 'rolled-back'], back.text);

  serve.kill('SIGTERM');
  const { code, stderr } = await serve.end;
  assert.equal(code, 0, stderr + serve.said());
  assert.equal(existsSync(serve.socket), false);
  assert.match(stderr, /"what":"roll".*"outcome":"rolled"/);
});

test('serve that was killed in the middle of a roll answers truthfully for it after its restart', async (t) => {
  const { world, v1, web, folder } = await webOf(t);
  const slow = await world.image('app:3', { health: { intervalMs: 500 }, env: { READY_AFTER_MS: 600_000 } });
  const first = await startServe(world, folder, [web]);
  const done = await first.call('/v1/rolls', {
    method: 'POST',
    headers: WAIT,
    body: { service: web, image: v1, pull: 'never', force: true },
  });
  assert.equal(done.json.outcome, 'rolled', done.text);
  const body = { service: web, image: slow, pull: 'never' };
  const { json } = await first.call('/v1/rolls', { method: 'POST', body });
  await eventually('the new container starts', async () => {
    const job = await first.call(`/v1/rolls/${json.id}`);
    return job.json.steps.some(({ kind }: { kind: string }) => kind === 'await-healthy');
  });
  const before = (await world.docker.getContainer(web).inspect()).Id;
  first.kill('SIGKILL');
  await first.end;

  // Its socket still exists, but nobody listens on it.
  assert.ok(existsSync(first.socket));
  const second = await startServe(world, folder, [web]);
  // Recovery continues the roll, and undoes it once the new container is known to be unhealthy.
  const job = await second.call(`/v1/rolls/${json.id}`);
  assert.equal(job.status, 200);
  assert.notEqual(job.json.state, 'done', job.text);
  assert.match(job.json.steps[0].text, /ended in the middle; finishing or undoing it/);
  const ended = await second.call(`/v1/rolls/${json.id}`, { headers: WAIT });
  assert.deepEqual([ended.json.state, ended.json.outcome], ['done', 'failed'], ended.text);
  assert.equal(ended.json.report.error.code, 'not-healthy', ended.text);
  assert.equal((await world.docker.getContainer(web).inspect()).Id, before);
  const earlier = await second.call(`/v1/rolls/${done.json.id}`);
  assert.deepEqual([earlier.json.state, earlier.json.outcome], ['done', 'rolled']);
});

test('serve reads its TLS files again on SIGHUP, and keeps the certificate that works', async (t) => {
  const world = testWorld(t);
  const folder = socketFolder(world);
  const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  const use = (name: string): void => {
    const made = certificate(folder, name);
    copyFileSync(made.cert, cert);
    copyFileSync(made.key, key);
  };
  use('first');
  const tokens = path.join(folder, 'tokens');
  writeFileSync(tokens, '# nobody yet\n', { mode: 0o600 });
  const options = ['--listen', 'tcp://127.0.0.1:0', '--tokens', tokens, '--tls-cert', cert, '--tls-key', key];
  const serve = await startServe(world, folder, [world.name('nothing')], options);
  const port = Number(/https:\/\/127\.0\.0\.1:(\d+)/.exec(serve.said())?.[1]);
  assert.equal(await certificateAt(port), 'first');

  writeFileSync(key, '');
  serve.kill('SIGHUP');
  await eventually('the log says why', async () =>
    /key\.pem is empty; the certificate before stays in use/.test(serve.said()),
  );
  assert.equal(await certificateAt(port), 'first');
  use('second');
  serve.kill('SIGHUP');
  await eventually('the new certificate is in force', async () => (await certificateAt(port)) === 'second');
  assert.equal((await serve.call('/readyz')).status, 200);
});

function certificateAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    socket.on('error', reject).once('secureConnect', () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
  });
}

test('serve refuses what would be unsafe or in the way of another server', async (t) => {
  const { world, web, folder } = await webOf(t);
  const serve = await startServe(world, folder, [web]);
  const listen = (address: string) => swapctl(['serve', web, '--listen', address], { env: world.env });
  const second = await listen(`unix://${serve.socket}`);
  assert.equal(second.code, 4, second.stderr);
  assert.match(second.stderr, /another server listens on/);
  const open = await listen('tcp://127.0.0.1:0');
  assert.equal(open.code, 2);
  assert.match(open.stderr, /needs server.tokens or server.clients[\s\S]*swapctl token create/);
  const file = path.join(folder, 'file');
  writeFileSync(file, 'mine');
  const taken = await listen(`unix://${file}`);
  assert.equal(taken.code, 2);
  assert.match(taken.stderr, /is no socket/);
});
