// --trace of a command that works through a server.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { remoteApp } from '../../../src/fronts/client/app.ts';
import { cli } from '../cli/fakes.ts';
import { siteOf } from '../server/http/site.ts';

test('--trace shows the decision log of the job and the calls to the server', async (t) => {
  const { world, folder } = await siteOf(t, ['shop/web']);
  world.newer();
  const address = `unix://${path.join(folder, 'api.sock')}`;
  const run = (...argv: string[]) =>
    cli(['--server', address, ...argv], {
      open: async ({ report, trace }) => remoteApp({ address, token: undefined }, report, trace ? Date.now : undefined),
    });
  const { status, stderr } = await run('--trace', 'roll', 'web');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^trace +\d+\.\d{3} server: POST \/v1\/rolls: 202, \d+ ms$/m);
  assert.match(stderr, /^trace +\d+\.\d{3} server: GET \/v1\/rolls\/[0-9a-f]{12}: 200, \d+ ms$/m);
  const decided = stderr.split('\n').filter((line) => /^trace .* shop-web: saw .*; step: .*; reason: ./.test(line));
  assert.ok(decided.length > 5, stderr);
  assert.match(
    stderr,
    /shop-web: saw incumbent shop-web healthy.*; step: create .*; reason: there is no new container yet$/m,
  );
  world.newer();
  assert.doesNotMatch((await run('roll', 'web')).stderr, /trace|reason:/);
});
