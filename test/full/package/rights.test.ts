// The calls that docs/socket-proxy.md lists are sufficient, and all of them are needed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { startSwapctl, swapctl } from '../../lab/cli.ts';
import { type Call, faultProxy } from '../../lab/fault-proxy.ts';
import { startRegistry } from '../../lab/registry.ts';
import { documentedCalls, regexesFor } from '../../lab/rights.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, untilHealthy } from '../../lab/world.ts';

const QUICK = ['--settle', '300ms', '--drain-timeout', '1s'];

test('what is listed is enough for everything, and nothing is listed in vain', async (t) => {
  const world = testWorld(t);
  const registry = await startRegistry({ address: world.hostAddress });
  world.after(() => registry.stop());
  const { docker } = world;
  const first = await registry.push(docker, await world.image('app:1', { from: 'httpd' }), 'app:live');
  await docker.getImage(world.name('app:1')).tag({ repo: `${registry.host}/app`, tag: 'live' });
  world.after(() => docker.getImage(`${registry.host}/app:live`).remove({ force: true }));
  const web = await world.container('web', {
    image: first.reference,
    network: await world.network('net'),
    create: { HostConfig: { RestartPolicy: { Name: 'always' } } },
  });
  await untilHealthy(web);
  const name = world.name('web');
  const documented = documentedCalls();

  const run = async (kind: 'reads' | 'rolls', argv: string[], status = 0): Promise<Call[]> => {
    const { engine, calls, denied } = await faultProxy(t, world, ({ what }) => documented[kind].has(what));
    const { code, stdout, stderr } = await swapctl(argv, { env: engine.env });
    assert.equal(code, status, `${argv.join(' ')}: ${stdout}${stderr}`);
    assert.deepEqual(
      denied.map(({ what }) => what),
      [],
      argv.join(' '),
    );
    return [...calls];
  };
  const reads: Call[] = [];
  const rolls: Call[] = [];
  for (const argv of [
    ['status', name],
    ['check', name],
    ['plan', name, '--explain'],
    ['plan', name, '--image', first.reference, '--pull', 'always'],
    ['doctor'],
    ['history', name],
  ])
    reads.push(...(await run('reads', argv)));

  await registry.push(docker, await world.image('app:2', { from: 'httpd' }), 'app:live');
  reads.push(...(await run('reads', ['check', name], 10)));
  rolls.push(...(await run('rolls', ['roll', name, '--keep', '0', ...QUICK])));
  const bad = await world.image('app:bad', { cmd: ['sh', '-c', 'echo no; exit 1'] });
  rolls.push(...(await run('rolls', ['roll', name, '--image', bad, ...QUICK], 1)));
  await registry.push(docker, await world.image('app:3', { from: 'httpd' }), 'app:live');
  rolls.push(...(await run('rolls', ['update', name, ...QUICK])));
  // The update waits after the failure; this roll forgets it.
  rolls.push(...(await run('rolls', ['roll', name, ...QUICK])));
  rolls.push(...(await run('rolls', ['rollback', name, ...QUICK])));
  rolls.push(...(await run('rolls', ['recover', name])));
  rolls.push(...(await watched()));

  const seen = {
    reads: new Set(reads.map(({ what }) => what)),
    rolls: new Set([...reads, ...rolls].map(({ what }) => what)),
  };
  for (const kind of ['reads', 'rolls'] as const) {
    const vain = [...documented[kind]].filter((call) => !seen[kind].has(call) && !documented.rare.has(call));
    assert.deepEqual(vain, [], `${kind}: listed, and not called`);
  }
  // The expressions for a proxy that takes expressions permit the same.
  const expressions = regexesFor('wollomatic/socket-proxy');
  const blocked = rolls.filter(({ what, path }) => !expressions.get(what.split(' ')[0] ?? '')?.test(path));
  assert.deepEqual([...new Set(blocked.map(({ path }) => path))], []);

  async function watched(): Promise<Call[]> {
    const { engine, calls, denied } = await faultProxy(t, world, ({ what }) => documented.rolls.has(what));
    const said: string[] = [];
    const watch = startSwapctl(['watch', name], { env: engine.env, onStdout: (text) => void said.push(text) });
    await eventually(
      'it watches and listens',
      async () => said.join('').includes('watching 1') && calls.some(({ what }) => what === 'GET /events'),
    );
    watch.kill('SIGTERM');
    const { code, stdout, stderr } = await watch.result;
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.deepEqual(denied, []);
    return [...calls];
  }
});

test('the page names every way that the code has to the engine', () => {
  const { reads, rolls } = documentedCalls();
  assert.deepEqual(
    [...reads].filter((call) => !rolls.has(call)),
    [],
    'who rolls may read',
  );
  assert.ok(readFileSync(new URL('../../../README.md', import.meta.url), 'utf8').includes('docs/socket-proxy.md'));
});
