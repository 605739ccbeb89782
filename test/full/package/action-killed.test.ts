// A step of a workflow that is killed, on a real engine.
import assert from 'node:assert/strict';
import test from 'node:test';
import { namesOf, QUICK, serving } from '../../engine/action-world.ts';
import { stepRunner } from '../../lab/runner.ts';

test('what a killed step leaves half done is undone after the job', async (t) => {
  // The step after the job waits for the new container for so long.
  const { world, service } = await serving(t, { 'swapctl.health.timeout': '10s' });
  const late = await world.image('app:late', { env: { READY_AFTER_MS: 600_000 } });
  const runner = stepRunner(t);
  const step = { env: world.env, inputs: { service, image: late, ...QUICK } };
  const killed = await runner.run({
    ...step,
    onStdout: (text, kill) => {
      if (/wait until .* is healthy/.test(text)) kill('SIGKILL');
    },
  });
  assert.equal(killed.code, -1);
  assert.ok((await namesOf(world)).includes(`${service}.swapctl-next`));
  const post = await runner.runPost(step, killed);
  assert.equal(post.code, 0, post.log);
  assert.match(post.commands.join('\n'), new RegExp(`::notice title=swapctl::${service}: .*: undone`));
  assert.deepEqual(await namesOf(world), [service]);
});
