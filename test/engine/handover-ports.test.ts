// One container with every kind of published port, handed over at once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import test from 'node:test';
import { hostState } from '../lab/host-state.ts';
import { type LoadReport, startLoad } from '../lab/load.ts';
import { otherHost } from '../lab/netns.ts';
import { startTraffic } from '../lab/traffic.ts';
import { startUdp, type UdpReport } from '../lab/udp.ts';
import { testWorld } from '../lab/world.ts';
import { assertNothingLeft, fixedPort, portsOf, roll, startService } from './handover-world.ts';

const SERVER = readFileSync(new URL('../app/ports.mjs', import.meta.url), 'utf8');
const RATE = 10;
const V6 = networkInterfaces().lo?.some(({ address }) => address === '::1') ?? false;

test('every published port of a container is handed over: addresses, ranges, UDP, IPv6', async (t) => {
  const world = testWorld(t);
  const other = otherHost(world);
  const [any, again, first, loopback, one, v6, udp, udpLoopback] = await ports();
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
          '8080/tcp': [{ HostPort: `${any}` }, { HostPort: `${again}` }],
          '9000/tcp': [{ HostPort: `${first}` }],
          '9001/tcp': [{ HostPort: `${first + 1}` }],
          '9002/tcp': [{ HostPort: `${first + 2}` }],
          '8081/tcp': [{ HostIp: '127.0.0.1', HostPort: `${loopback}` }],
          '8082/tcp': [{ HostIp: other.hostAddress, HostPort: `${one}` }],
          ...(V6 && { '8083/tcp': [{ HostIp: '0:0::1', HostPort: `${v6}` }] }),
          '5353/udp': [{ HostPort: `${udp}` }],
          '5354/udp': [{ HostIp: '127.0.0.1', HostPort: `${udpLoopback}` }],
        },
      },
    },
    labels: { 'swapctl.drain.timeout': '1s' },
  });
  const at = (address: string, port: number) =>
    startLoad({
      url: `http://host:${port}/`,
      resolve: async () => [address],
      ratePerSecond: RATE,
      keepAlive: false,
      timeoutMs: 20_000,
      connectTimeoutMs: 20_000,
    });
  const from = (port: number, kind: 'new' | 'udp') => {
    const shape =
      kind === 'udp' ? ({ kind, oneSocket: false } as const) : ({ kind, method: 'GET', timeoutMs: 20_000 } as const);
    const shapes = { only: { ...shape, ratePerSecond: RATE } };
    return startTraffic({ world, netns: other.name }, { url: `http://${other.hostAddress}:${port}/`, shapes });
  };
  const before = { state: await hostState(world), ports: await portsOf(world, web.name) };
  const loads = {
    'any, loopback': at('127.0.0.1', any),
    'any, host address': at(other.hostAddress, any),
    'the same port again': at('127.0.0.1', again),
    'range, first': at('127.0.0.1', first),
    'range, second': at('127.0.0.1', first + 1),
    'range, third': at(other.hostAddress, first + 2),
    'loopback only': at('127.0.0.1', loopback),
    'one address': at(other.hostAddress, one),
    ...(V6 && { 'IPv6 to any': at('::1', any), 'IPv6 loopback': at('::1', v6) }),
    'UDP, loopback': startUdp({ address: '127.0.0.1', port: udp, ratePerSecond: RATE }),
    'UDP, host address': startUdp({ address: other.hostAddress, port: udp, ratePerSecond: RATE }),
    'UDP, loopback only': startUdp({ address: '127.0.0.1', port: udpLoopback, ratePerSecond: RATE }),
    'UDP, one socket': startUdp({ address: '127.0.0.1', port: udp, ratePerSecond: RATE, oneSocket: true }),
    'UDP, one socket, host address': startUdp({
      address: other.hostAddress,
      port: udp,
      ratePerSecond: RATE,
      oneSocket: true,
    }),
  };
  world.after(() => Promise.all(Object.values(loads).map((load) => load.stop())));
  const remote = {
    'any, another host': await from(any, 'new'),
    'range, another host': await from(first + 1, 'new'),
    'one address, another host': await from(one, 'new'),
    'UDP, another host': await from(udp, 'udp'),
  };
  await web.publish('2');
  await roll(world, web.name);
  await new Promise((done) => setTimeout(done, 1000));

  const reports: Record<string, LoadReport | UdpReport> = {};
  for (const [what, load] of Object.entries(loads)) reports[what] = await load.stop();
  for (const [what, load] of Object.entries(remote)) Object.assign(reports, { [what]: (await load.stop()).only });
  for (const [what, { requests, failed, longestGapMs, byVersion }] of Object.entries(reports)) {
    const versions = JSON.stringify(byVersion);
    t.diagnostic(`${what.padEnd(30)} ${requests} sent, ${failed} failed, gap ${longestGapMs} ms, ${versions}`);
  }
  for (const [what, report] of Object.entries(reports)) {
    const { timeline: _, ...told } = report as LoadReport;
    // A flow of datagrams has no end that could be waited for.
    if (!what.includes('one socket')) assert.equal(report.failed, 0, `${what}: ${JSON.stringify(told)}`);
    assert.ok(report.byVersion['2'], `${what}: ${JSON.stringify(told)}`);
  }
  const after = { state: await hostState(world), ports: await portsOf(world, web.name) };
  assert.deepEqual(after.ports, before.ports);
  assert.deepEqual(after.state.ours, before.state.ours);
  await assertNothingLeft(world, web.name);
});

// Distinct, with room for the range behind the third.
async function ports(): Promise<[number, number, number, number, number, number, number, number]> {
  const base = await fixedPort();
  return [base, base + 1, base + 2, base + 5, base + 6, base + 7, base + 8, base + 9];
}
