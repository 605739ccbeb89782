import assert from 'node:assert/strict';
import test from 'node:test';
import type { PublishedPort } from '../../src/core/container.ts';
import { pairRoutes } from '../../src/core/traffic.ts';

const IP = '172.17.0.9';

function published(containerPort: string, hostIp: string, hostPort: number): PublishedPort {
  return { containerPort, hostIp, hostPort };
}

function told(routes: ReturnType<typeof pairRoutes>): string[] | undefined {
  return routes?.map(({ protocol, hostIp, hostPort, target }) => {
    return `${protocol} ${hostIp} ${hostPort} > ${target.ip} ${target.port} ${target.hostPort}`;
  });
}

test('a port without an address is one of IPv4 and one of IPv6, each with its own ephemeral port', () => {
  const standIn = [published('8080/tcp', '0.0.0.0', 49153), published('8080/tcp', '::', 49160)];
  assert.deepEqual(told(pairRoutes({ '8080/tcp': [{ HostIp: '', HostPort: '80' }] }, standIn, IP)), [
    'tcp 0.0.0.0 80 > 172.17.0.9 8080 49153',
    'tcp :: 80 > 172.17.0.9 8080 49160',
  ]);
});

test('on a host without IPv6 a port without an address is one of IPv4', () => {
  const standIn = [published('8080/tcp', '0.0.0.0', 49153)];
  const routes = pairRoutes({ '8080/tcp': [{ HostPort: '80' }] }, standIn, IP);
  assert.deepEqual(told(routes), ['tcp 0.0.0.0 80 > 172.17.0.9 8080 49153']);
});

test('an address is only paired with the same address', () => {
  const standIn = [published('8080/tcp', '127.0.0.1', 49153), published('8080/tcp', '::1', 49154)];
  const fixed = {
    '8080/tcp': [
      { HostIp: '::1', HostPort: '80' },
      { HostIp: '127.0.0.1', HostPort: '80' },
    ],
  };
  assert.deepEqual(told(pairRoutes(fixed, standIn, IP)), [
    'tcp ::1 80 > 172.17.0.9 8080 49154',
    'tcp 127.0.0.1 80 > 172.17.0.9 8080 49153',
  ]);
});

test('an IPv6 address counts however it is written', () => {
  const standIn = [published('8080/tcp', 'fd00::2', 49153)];
  const routes = pairRoutes({ '8080/tcp': [{ HostIp: 'FD00:0:0::0002', HostPort: '80' }] }, standIn, IP);
  assert.deepEqual(told(routes), ['tcp fd00::2 80 > 172.17.0.9 8080 49153']);
});

test('TCP and UDP of one number are two ports', () => {
  const standIn = [published('53/tcp', '0.0.0.0', 49153), published('53/udp', '0.0.0.0', 49153)];
  const fixed = { '53/udp': [{ HostPort: '5353' }], '53/tcp': [{ HostPort: '5354' }] };
  assert.deepEqual(told(pairRoutes(fixed, standIn, IP)), [
    'udp 0.0.0.0 5353 > 172.17.0.9 53 49153',
    'tcp 0.0.0.0 5354 > 172.17.0.9 53 49153',
  ]);
});

test('one container port at two host ports gets two ephemeral ones', () => {
  const standIn = [published('8080/tcp', '0.0.0.0', 49153), published('8080/tcp', '0.0.0.0', 49154)];
  const routes = pairRoutes({ '8080/tcp': [{ HostPort: '80' }, { HostPort: '81' }] }, standIn, IP);
  assert.deepEqual(told(routes), ['tcp 0.0.0.0 80 > 172.17.0.9 8080 49153', 'tcp 0.0.0.0 81 > 172.17.0.9 8080 49154']);
});

test('ports that the engine picks are not handed over', () => {
  const fixed = { '8080/tcp': [{ HostPort: '' }, { HostPort: '0' }], '9000/tcp': null };
  assert.deepEqual(pairRoutes(fixed, [published('8080/tcp', '0.0.0.0', 49153)], IP), []);
  assert.deepEqual(pairRoutes(undefined, [], IP), []);
});

test('a port that the stand-in does not publish has no route', () => {
  const standIn = [published('8080/tcp', '0.0.0.0', 49153)];
  assert.equal(pairRoutes({ '8081/tcp': [{ HostPort: '80' }] }, standIn, IP), undefined);
  assert.equal(pairRoutes({ '8080/tcp': [{ HostIp: '10.0.0.1', HostPort: '80' }] }, standIn, IP), undefined);
});
