// One container with every kind of published port, handed over at once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import test from 'node:test';
import { assertNothingLeft, fixedPort, portsOf, roll, startService } from '../../engine/traffic/handover-world.ts';
import { hostState } from '../../lab/host-state.ts';
import { otherHost } from '../../lab/netns.ts';
import { type Client, startTraffic, type Traffic, tableOf } from '../../lab/traffic.ts';
import { testWorld } from '../../lab/world.ts';

const SERVER = readFileSync(new URL('../../lab/apps/ports.mjs', import.meta.url), 'utf8');
const RATE = 8;
// Five seconds.
const MOST_LOST = 5 * RATE;
const V6 = networkInterfaces().lo?.some(({ address }) => address === '::1') ?? false;

test('every published port of a container is handed over: addresses, ranges, UDP, IPv6', async (t) => {
  const world = testWorld(t);
  const other = otherHost(world);
  const base = await fixedPort();
  const port = {
    any: base,
    again: base + 1,
    range: base + 2,
    loopback: base + 5,
    one: base + 6,
    v6: base + 7,
    udp: base + 8,
    udpLoopback: base + 9,
  };
  const web = await startService(world, 'web', {
    app: {
      cmd: ['node', '--input-type=module', '--eval', SERVER],
      // The engine publishes only what is exposed, too.
      ports: [8080, 8081, 8082, 8083, 9000, 9001, 9002, '5353/udp', '5354/udp'],
      env: { TCP_PORTS: '8080,8081,8082,8083,9000,9001,9002', UDP_PORTS: '5353,5354' },
    },
    create: {
      HostConfig: {
        PortBindings: {
          '8080/tcp': [{ HostPort: `${port.any}` }, { HostPort: `${port.again}` }],
          '9000/tcp': [{ HostPort: `${port.range}` }],
          '9001/tcp': [{ HostPort: `${port.range + 1}` }],
          '9002/tcp': [{ HostPort: `${port.range + 2}` }],
          '8081/tcp': [{ HostIp: '127.0.0.1', HostPort: `${port.loopback}` }],
          '8082/tcp': [{ HostIp: other.hostAddress, HostPort: `${port.one}` }],
          ...(V6 && { '8083/tcp': [{ HostIp: '0:0::1', HostPort: `${port.v6}` }] }),
          '5353/udp': [{ HostPort: `${port.udp}` }],
          '5354/udp': [{ HostIp: '127.0.0.1', HostPort: `${port.udpLoopback}` }],
        },
      },
    },
    labels: { 'swapctl.drain.timeout': '1s' },
  });
  const tcp = (host: string, number: number): Client => {
    return { kind: 'new', method: 'GET', url: `http://${host}:${number}/`, ratePerSecond: RATE };
  };
  const udp = (host: string, number: number, oneSocket = false): Client => {
    return { kind: 'udp', oneSocket, url: `http://${host}:${number}/`, ratePerSecond: RATE };
  };
  const host = other.hostAddress;
  const before = { state: await hostState(world), ports: await portsOf(world, web.name) };
  const here = await startTraffic(
    { world, netns: world.netns },
    {
      'any, loopback': tcp('127.0.0.1', port.any),
      'any, host address': tcp(host, port.any),
      'any, once more': tcp('127.0.0.1', port.again),
      'range, first': tcp('127.0.0.1', port.range),
      'range, second': tcp('127.0.0.1', port.range + 1),
      'range, third': tcp(host, port.range + 2),
      'loopback only': tcp('127.0.0.1', port.loopback),
      'one address': tcp(host, port.one),
      ...(V6 && { 'any, IPv6': tcp('[::1]', port.any), 'IPv6 loopback only': tcp('[::1]', port.v6) }),
      'UDP, loopback': udp('127.0.0.1', port.udp),
      'UDP, host address': udp(host, port.udp),
      'UDP, loopback only': udp('127.0.0.1', port.udpLoopback),
      ...flows(udp, host, port),
    },
  );
  const there = await startTraffic(
    { world, netns: other.name },
    {
      'any port': tcp(host, port.any),
      'range, second': tcp(host, port.range + 1),
      'one address': tcp(host, port.one),
      UDP: udp(host, port.udp),
      'UDP, one socket': udp(host, port.udp, true),
    },
  );
  await web.publish('2');
  let late: Promise<Traffic> | undefined;
  await roll(world, web.name, {}, (line) => {
    t.diagnostic(line);
    if (line.includes('keep the ports')) late = startTraffic({ world, netns: world.netns }, flows(udp, host, port));
  });
  // Long enough to see if a flow at the stand-in has found the new container.
  await new Promise((done) => setTimeout(done, 3000));

  const cells = {
    here: await here.stop(),
    late: (await (await late)?.stop()) ?? {},
    'another host': await there.stop(),
  };
  for (const line of tableOf(cells)) t.diagnostic(line);
  for (const [place, clients] of Object.entries(cells)) {
    for (const [client, cell] of Object.entries(clients)) {
      const what = `${place}, ${client}: ${JSON.stringify(cell)}`;
      // A flow that the engine itself sends to the old container can't be moved before that one is gone: all those that are not on this
      // machine.
      const flow = client.includes('one socket') && !client.includes('loopback');
      assert.ok(cell.failed <= (flow ? MOST_LOST : 0), what);
      assert.ok(cell.byVersion['2'], what);
    }
  }
  const after = { state: await hostState(world), ports: await portsOf(world, web.name) };
  assert.deepEqual(after.ports, before.ports);
  assert.deepEqual(after.state.ours, before.state.ours);
  await assertNothingLeft(world, web.name);
});

// As of programs that send all their datagrams from one socket.
function flows(
  udp: (host: string, number: number, oneSocket: boolean) => Client,
  host: string,
  port: { udp: number; udpLoopback: number },
): Record<string, Client> {
  return {
    'UDP, one socket, loopback': udp('127.0.0.1', port.udp, true),
    'UDP, one socket, loopback only': udp('127.0.0.1', port.udpLoopback, true),
    'UDP, one socket, host address': udp(host, port.udp, true),
  };
}
