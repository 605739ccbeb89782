// A step of a workflow whose server does the work, on the real API.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { runStep } from '../../../src/fronts/action/step.ts';
import { remoteApp } from '../../../src/fronts/client/app.ts';
import { type Site, siteOf } from '../server/http/site.ts';

interface Ran {
  readonly status: number;
  readonly log: string;
  readonly outputs: string;
}

async function step(site: Site, inputs: Readonly<Record<string, string>>): Promise<Ran> {
  const ran = { log: '', outputs: '' };
  const given = { ...inputs, server: `unix://${site.folder}/api.sock` };
  const named = Object.entries(given).map(([name, text]) => [`INPUT_${name.toUpperCase()}`, text]);
  const status = await runStep({
    env: { ...Object.fromEntries(named), GITHUB_OUTPUT: 'output' },
    stdout: (text) => {
      ran.log += text;
    },
    append: (file, text) => {
      if (file === 'output') ran.outputs += text;
    },
    token: 'a-token-that-nobody-guesses',
    temporary: site.folder,
    clock: { now: Date.now, sleep: () => new Promise(() => {}) },
    signal: new AbortController().signal,
    openApp: async ({ server, report }) => remoteApp(server ?? assert.fail('no server'), report),
  });
  return { status, ...ran };
}

async function newerAt(t: TestContext): Promise<Site> {
  const site = await siteOf(t, ['shop/web']);
  site.world.newer();
  return site;
}

test('a step rolls a service through a server, with the outputs that it has on an engine', async (t) => {
  const site = await newerAt(t);
  const planned = await step(site, { service: 'web', command: 'plan' });
  assert.match(planned.outputs, /^outcome<<.*\nplanned\n/m, planned.log);
  assert.equal(planned.status, 0);
  const { status, outputs, log } = await step(site, { service: 'web' });
  assert.equal(status, 0, log);
  assert.match(outputs, /^outcome<<.*\nrolled\n/m);
  const [, group = ''] = /^::group::shop-web: start-first: .+\n([\s\S]*?)^::endgroup::$/m.exec(log) ?? assert.fail(log);
  assert.match(group, /==> shop-web: create [\s\S]*==> shop-web: remove shop-web\.swapctl-old\n/);
  assert.deepEqual(
    (await site.server.book.list()).jobs.map(({ kind, outcome }) => [kind, outcome]),
    [['roll', 'rolled']],
  );
});

test('what the server refuses fails the step with the exit status of its error', async (t) => {
  const { status, log } = await step(await newerAt(t), { service: 'no-such' });
  assert.equal(status, 2, log);
  assert.match(log, /::error .*no-such/);
});
