import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { knownAddresses, pairRoutes } from '../../../src/core/traffic/routes.ts';

const published = (containerPort: string, hostIp: string, hostPort: number) => ({ containerPort, hostIp, hostPort });

test('each fixed port is paired with the one of the stand-in, on the same address', () => {
  const routes = pairRoutes(
    { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }], '53/udp': [{ HostIp: '10.0.0.1', HostPort: '53' }] },
    [published('80/tcp', '127.0.0.1', 40_000), published('53/udp', '10.0.0.1', 40_001)],
    '172.17.0.9',
  );
  assert.deepEqual(routes, [
    { protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 8080, target: { ip: '172.17.0.9', port: 80, hostPort: 40_000 } },
    { protocol: 'udp', hostIp: '10.0.0.1', hostPort: 53, target: { ip: '172.17.0.9', port: 53, hostPort: 40_001 } },
  ]);
});

test('without an address both families are meant, where the engine publishes on both', () => {
  const ports = { '80/tcp': [{ HostPort: '80' }] };
  const both = [published('80/tcp', '0.0.0.0', 1), published('80/tcp', '::', 2)];
  assert.deepEqual(
    pairRoutes(ports, both, 'x')?.map((route) => route.hostIp),
    ['0.0.0.0', '::'],
  );
  assert.deepEqual(
    pairRoutes(ports, both.slice(0, 1), 'x')?.map((route) => route.hostIp),
    ['0.0.0.0'],
  );
});

test('an IPv6 address is the same however it is written', () => {
  assert.equal(
    pairRoutes({ '80/tcp': [{ HostIp: '0:0:0:0:0:0:0:1', HostPort: '80' }] }, [published('80/tcp', '::1', 1)], 'x')
      ?.length,
    1,
  );
});

test('one container port at two host ports takes two of the stand-in', () => {
  const ports = {
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '80' },
      { HostIp: '0.0.0.0', HostPort: '81' },
    ],
  };
  const routes = pairRoutes(ports, [published('80/tcp', '0.0.0.0', 1), published('80/tcp', '0.0.0.0', 2)], 'x');
  assert.deepEqual(
    routes?.map((route) => [route.hostPort, route.target.hostPort]),
    [
      [80, 1],
      [81, 2],
    ],
  );
});

test('ephemeral ports are nobody’s business, and a fixed one without a counterpart spoils all', () => {
  assert.deepEqual(pairRoutes({ '80/tcp': [{ HostPort: '' }, { HostPort: '0' }], '81/tcp': null }, [], 'x'), []);
  assert.equal(pairRoutes({ '80/tcp': [{ HostPort: '80' }] }, [published('81/tcp', '0.0.0.0', 1)], 'x'), undefined);
});

const beside = { id: 'old', networks: { net: { IPAddress: '10.0.0.2' } } };
const listed = (networks: string[], addresses: string[], status = 'running' as const) => ({
  status,
  networks,
  addresses,
});

suite('the addresses that containers have', () => {
  test('are those of all networks', () => {
    const all = [listed(['net'], ['10.0.0.2']), listed(['other'], ['10.1.0.2', 'fd00::2']), listed(['host'], [])];
    assert.deepEqual(knownAddresses(all, beside), ['10.0.0.2', '10.1.0.2', 'fd00::2']);
  });

  test('are unknown if the list tells none of a container in the same network', () => {
    assert.equal(knownAddresses([listed(['net'], ['10.0.0.2']), listed(['net'], [])], beside), undefined);
  });

  test('one that is down has none', () => {
    const down = { ...listed(['net'], []), status: 'exited' as const };
    assert.deepEqual(knownAddresses([down], beside), []);
  });
});
