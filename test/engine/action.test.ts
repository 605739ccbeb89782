// A step of a workflow, as a runner runs it, on a real engine.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { startRegistry } from '../lab/registry.ts';
import { stepRunner } from '../lab/runner.ts';
import { namesOf, outcomes, QUICK, serving } from './action-world.ts';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

test('a step rolls, then finds it unchanged, and needs nothing but its own files', async (t) => {
  const { world, service } = await serving(t);
  const registry = await startRegistry({ login: 'htpasswd', address: world.hostAddress });
  world.after(() => registry.stop());
  const { reference, digest } = await registry.push(
    world.docker,
    await world.image('app:2', { from: 'httpd' }),
    'app:2',
  );
  const bare = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-action-'));
  world.after(async () => rmSync(bare, { recursive: true }));
  cpSync(DIST, path.join(bare, 'dist'), { recursive: true });
  writeFileSync(path.join(bare, 'package.json'), '{"type":"module"}');
  const runner = stepRunner(t);
  const login = { registry: registry.host, ...registry.login };
  const inputs = { service, image: reference, ...login, ...QUICK };
  const step = { env: { ...world.env, HOME: bare }, entry: path.join(bare, 'dist/action.js'), inputs };

  const plan = await runner.run({ ...step, inputs: { ...inputs, command: 'plan' } });
  assert.deepEqual(outcomes(plan), { code: 0, outcome: 'planned' }, plan.log);
  assert.match(plan.summary, /would be rolled.*<ol>/s);

  const rolled = await runner.run(step);
  assert.deepEqual(outcomes(rolled), { code: 0, outcome: 'rolled' }, rolled.log);
  assert.equal(rolled.outputs['to-digest'], digest);
  assert.equal(rolled.outputs['to-image'], reference);
  assert.match(rolled.outputs['from-digest'] ?? '', /^sha256:[0-9a-f]{64}$/);
  assert.ok(Number(rolled.outputs.seconds) > 0);
  assert.equal(rolled.report.service, service);
  assert.match(rolled.summary, new RegExp(`🟢.*<b>${service}</b>.*rolled.*app:1.*${digest.slice(0, 19)}.*start-first`));
  assert.ok(rolled.commands.includes('::add-mask::secret'));
  assert.equal(
    rolled.log.replaceAll('::add-mask::secret', '').includes('secret'),
    false,
    'the password is only masked',
  );
  assert.match(rolled.commands.join('\n'), /^::group::.*: start-first: .*\n::endgroup::$/m);

  const unchanged = await runner.run(step);
  assert.deepEqual(outcomes(unchanged), { code: 0, outcome: 'unchanged' }, unchanged.log);
  assert.match(unchanged.summary, /⚪/);

  const wrong = await runner.run({ ...step, inputs: { ...inputs, password: 'wrong', force: 'true' } });
  assert.deepEqual(outcomes(wrong), { code: 5, outcome: 'failed' }, wrong.log);
});

test('a bad image fails the step, and its last words are seen, whatever they look like', async (t) => {
  const { world, service } = await serving(t);
  const words = ['<b>no</b> configuration for @octocat', '::add-mask::web', '::error::not ours'];
  const script = `${words.map((line) => `echo '${line}'`).join('; ')}; exit 7`;
  const bad = await world.image('app:bad', { cmd: ['sh', '-c', script] });
  const runner = stepRunner(t);
  const failed = await runner.run({ env: world.env, inputs: { service, image: bad, ...QUICK } });
  assert.deepEqual(outcomes(failed), { code: 1, outcome: 'failed' }, failed.log);
  assert.match(failed.summary, /🔴.*The old version serves as before\..*<pre>.*&lt;b&gt;no&lt;\/b&gt;.*<\/pre>/s);
  const errors = failed.commands.filter((line) => !/^::(group|endgroup)/.test(line));
  assert.equal(errors.length, 1, failed.commands.join('\n'));
  assert.match(
    errors[0] ?? '',
    new RegExp(`^::error title=swapctl%3A ${service}::.*status 7.*%0A.*no</b> configuration`),
  );
  assert.match(failed.log, /::error::not ours/, 'the log shows it as text');
  assert.equal(failed.report.error.code, 'not-healthy');
});

test('an engine out of reach fails the step before anything is touched', async (t) => {
  const runner = stepRunner(t);
  const inputs = { service: 'web', 'docker-host': 'tcp://127.0.0.1:1' };
  const unreachable = await runner.run({ inputs });
  assert.deepEqual(outcomes(unreachable), { code: 5, outcome: 'failed' }, unreachable.log);
  assert.match(unreachable.summary, /no Docker Engine answers at tcp:\/\/127\.0\.0\.1:1.*Nothing was touched/s);
  assert.match(unreachable.commands.join('\n'), /::error title=swapctl::no Docker Engine answers/);
});

test('a cancelled step takes its new container away again', async (t) => {
  const { world, service } = await serving(t);
  const late = await world.image('app:late', { env: { READY_AFTER_MS: 600_000 } });
  const runner = stepRunner(t);
  const cancelled = await runner.run({
    env: world.env,
    inputs: { service, image: late, ...QUICK },
    onStdout: (text, kill) => {
      if (/wait until .* is healthy/.test(text)) kill('SIGINT');
    },
  });
  assert.deepEqual(outcomes(cancelled), { code: 1, outcome: 'failed' }, cancelled.log);
  assert.equal(cancelled.report.error.code, 'interrupted');
  assert.match(cancelled.summary, /The old version serves as before/);
  assert.deepEqual(await namesOf(world), [service]);
});
