// The access to a proxy in a container: files, processes, signals and sockets, only with the tools of its image.
import assert from 'node:assert/strict';
import test, { before, type TestContext } from 'node:test';
import { openEngine } from '../../../src/adapters/docker/open.ts';
import { containerAccess, type ProxyEngine } from '../../../src/adapters/traffic/access/container.ts';
import type { ProxyAccess } from '../../../src/ports/proxy-access.ts';
import { engineUnderTest } from '../../lab/engine.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, type World } from '../../lab/world.ts';

const signal = new AbortController().signal;

/** A shell that calls itself the proxy, records its signals, and has a child. */
const PROXY = `mkdir -p /etc/proxy /run/proxy
trap 'echo hup >> /run/proxy/signals' HUP
sleep 100000 &
while :; do sleep 0.1; done`;

let engine: ProxyEngine;
before(async () => {
  ({ engine } = await openEngine({ host: engineUnderTest().dockerHost }, async () => undefined));
});

async function proxyIn(t: TestContext, init: boolean): Promise<{ access: ProxyAccess; world: World; id: string }> {
  const world = testWorld(t);
  const image = await world.image('proxy:1', { from: 'base', health: false });
  const cmd = ['sh', '-c', `ln -s /bin/busybox /tmp/sh; exec /tmp/sh -c "$0" /etc/proxy/proxy.conf`, PROXY];
  const { id } = await world.container('proxy', { image, cmd, create: { HostConfig: { Init: init } } });
  return { access: containerAccess(engine, id, 'sh'), world, id };
}

for (const init of [false, true]) {
  test(`files, processes and signals${init ? ' behind an init' : ''}`, async (t) => {
    const { access } = await proxyIn(t, init);
    await eventually('it runs', async () => (await access.list('/run/proxy', signal)) !== undefined);
    await access.write('/etc/proxy/web.servers', 'one\n', signal);
    await access.run(['chmod', '640', '/etc/proxy/web.servers'], signal);
    await access.run(['touch', '/etc/proxy/.web.servers.swapctl-new'], signal);
    const text = `two "quoted" 'twice' $HOME \`x\` ✓\n# ${'y'.repeat(20_000)}\n`;
    await access.write('/etc/proxy/web.servers', text, signal);
    assert.equal(await access.read('/etc/proxy/web.servers', signal), text);
    assert.deepEqual(await access.list('/etc/proxy', signal), ['web.servers']);
    assert.equal((await access.run(['stat', '-c', '%a', '/etc/proxy/web.servers'], signal)).output, '640\n');
    await access.remove('/etc/proxy/web.servers', signal);
    assert.equal(await access.read('/etc/proxy/web.servers', signal), undefined);
    assert.equal(await access.list('/nowhere', signal), undefined);
    const [main] = await access.processes(signal);
    assert.equal(main?.pid === 1, !init);
    await access.kill('HUP', signal);
    await eventually('it got the signal', async () => (await access.read('/run/proxy/signals', signal)) === 'hup\n');
    assert.equal((await access.run(['sh', '-c', 'echo no; exit 7'], signal)).code, 7);
    await assert.rejects(access.write('/nowhere/file', 'x', signal), { code: 'proxy-unreachable' });
  });
}

test('a stopped container is out of reach', async (t) => {
  const { access, world, id } = await proxyIn(t, false);
  await world.docker.getContainer(id).stop({ t: 0 });
  const calls = [access.processes(signal), access.read('/etc/proxy', signal), access.kill('HUP', signal)];
  await Promise.all(calls.map((call) => assert.rejects(call, { code: 'proxy-unreachable' })));
});

test('a socket on the loopback of the container is spoken to', async (t) => {
  const { access } = await proxyIn(t, false);
  const body = 'HTTP/1.0 200 OK\\r\\nETag: "7"\\r\\n\\r\\nhello';
  await access.run(
    ['sh', '-c', `printf '${body}' > /tmp/answer; (while :; do nc -l -p 2019 < /tmp/answer; done) &`],
    signal,
  );
  const socket = { host: '127.0.0.1', port: 2019 };
  const answer = await eventually('it listens', () =>
    access.http(socket, { method: 'GET', path: '/config' }, signal).catch(() => undefined),
  );
  assert.deepEqual([answer.status, answer.body, answer.headers.etag], [200, 'hello', '"7"']);
  await assert.rejects(access.exchange({ host: '127.0.0.1', port: 2020 }, 'x', signal), { code: 'proxy-unreachable' });
});
