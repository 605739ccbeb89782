import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import {
  answeredOf,
  describeLost,
  type Listener,
  lostOf,
  publishedTcp,
} from '../../../src/core/health/answered-ports.ts';
import { judge, NOTHING_SEEN } from '../../../src/core/health/health.ts';
import { parseSockets } from '../../../src/core/traffic/sockets.ts';
import { container, policy } from '../builders.ts';

const published = (containerPort: string, hostPort: number) => ({ containerPort, hostIp: '0.0.0.0', hostPort });
const outside = (port: number): Listener => ({ port, loopback: false });
const inside = (port: number): Listener => ({ port, loopback: true });

test('published ports are those of TCP, each once', () => {
  const some = [published('9090/tcp', 1), published('80/tcp', 2), published('80/tcp', 3), published('53/udp', 4)];
  assert.deepEqual(publishedTcp({ published: some }), [80, 9090]);
});

test('a port is answered by whoever can be reached from outside', () => {
  assert.deepEqual(answeredOf([80, 81, 82], [outside(80), inside(81), inside(80)]), [80]);
});

suite('lost ports', () => {
  test('are those that nobody outside can reach', () => {
    const lost = lostOf([80, 81, 82], container(), [outside(80), inside(81)]);
    assert.deepEqual(lost, [
      { port: 81, why: 'loopback' },
      { port: 82, why: 'closed' },
    ]);
  });

  test('are those that docker run -P no longer publishes', () => {
    const some = { published: [published('80/tcp', 1)] };
    const listeners = [outside(80), outside(81)];
    const all = { ...container(some), host: { PublishAllPorts: true } };
    assert.deepEqual(lostOf([80, 81], all, listeners), [{ port: 81, why: 'unexposed' }]);
    assert.deepEqual(lostOf([80, 81], container(some), listeners), []);
  });

  test('are named', () => {
    assert.equal(
      describeLost([{ port: 80, why: 'closed' }]),
      'unlike the old container, it does not serve the published port 80/tcp',
    );
    assert.equal(
      describeLost([
        { port: 80, why: 'unexposed' },
        { port: 81, why: 'loopback' },
      ]),
      'unlike the old container, it does not serve the published ports 80/tcp (its image no longer exposes it), ' +
        '81/tcp (only on its loopback address)',
    );
  });
});

// As Linux writes them: 0.0.0.0:80 and 127.0.0.1:81 listen, then [::]:82, [::1]:83 and [::ffff:127.0.0.1]:84.
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:0051 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:0052 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:0053 00000000000000000000000000000000:0000 0A 00000000:00000000
   2: 0000000000000000FFFF00000100007F:0054 00000000000000000000000000000000:0000 0A 00000000:00000000
`;

test('sockets at a loopback address are recognized', () => {
  const found = [...parseSockets(TCP), ...parseSockets(TCP6)];
  assert.deepEqual(
    found.map(({ localPort, loopback, state }) => [localPort, loopback, state]),
    [
      [80, false, 'listening'],
      [81, true, 'listening'],
      [82, false, 'listening'],
      [83, true, 'listening'],
      [84, true, 'listening'],
    ],
  );
});

suite('a container that has lost a port', () => {
  const lost = { ...NOTHING_SEEN, watchedSince: 0, lostPorts: [{ port: 80, why: 'closed' as const }] };
  const probe = { kind: 'tcp', port: 81 } as const;

  test('has the settle time from when it is healthy, and at least 5 s', () => {
    const seen = { ...lost, healthySince: 1000 };
    const at = (now: number, settleMs: number) => judge(container(), policy({ probe, settleMs }), seen, now);
    assert.deepEqual(at(8999, 8000), { kind: 'waiting', until: 9000 });
    assert.equal(at(9000, 8000).kind, 'failed');
    assert.deepEqual(at(1000, 0), { kind: 'waiting', until: 6000 });
    assert.equal(at(6000, 0).kind, 'failed');
  });

  test('has it from when the engine calls it healthy, whenever that is looked at', () => {
    const config = { Healthcheck: { Test: ['CMD', 'x'] } };
    const one = container({ config, health: { status: 'healthy', log: [] } });
    const seen = { ...lost, engineHealthySince: 1000 };
    assert.deepEqual(judge(one, policy(), seen, 3000), { kind: 'waiting', until: 6000 });
    assert.equal(judge(one, policy(), seen, 6000).kind, 'failed');
  });

  test('has a minute from its start without a check, or what the user gives', () => {
    const at = (now: number, healthTimeoutMs?: number) =>
      judge(container(), policy({ healthTimeoutMs }), lost, now).kind;
    assert.deepEqual([at(59_999), at(60_000)], ['waiting', 'failed']);
    assert.deepEqual([at(9999, 10_000), at(10_000, 10_000)], ['waiting', 'failed']);
  });

  test('is healthy once it has been seen to listen', () => {
    const seen = { ...lost, lostPorts: [] };
    assert.deepEqual(judge(container(), policy(), seen, 60_000), { kind: 'healthy', since: 5000 });
  });
});
