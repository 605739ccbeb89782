import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ConfiguredServer } from '../../../../src/adapters/traffic/haproxy/config.ts';
import type { RuntimeServer } from '../../../../src/adapters/traffic/haproxy/runtime.ts';
import { membersOf, observedRoute, setByHand } from '../../../../src/adapters/traffic/haproxy/state.ts';

const CONFIGURED: readonly ConfiguredServer[] = [
  { name: 'web', host: 'web', port: 8080, options: [] },
  { name: 'spare', host: '10.0.0.9', port: 8080, options: ['disabled'] },
];

function server(name: string, admin: RuntimeServer['admin'], weight = 1): RuntimeServer {
  return {
    name,
    address: `10.0.0.1:80${name.length}`,
    admin,
    weight,
    running: true,
    ownWeight: 1,
    inFlight: 0,
    idle: 0,
  };
}

suite('the servers of a backend', () => {
  const route = (...servers: readonly RuntimeServer[]) => observedRoute(membersOf(servers, CONFIGURED), 'unknown');

  test('show a server of an ended roll that HAProxy keeps', () => {
    const { wanted, leftovers } = route(server('web', 'ready'), server('swapctl-r0ll1-2', 'maint', 0));
    assert.deepEqual([wanted.kind, leftovers], ['baseline', ['swapctl-r0ll1-2']]);
    assert.equal(route(server('web', 'ready')).leftovers, undefined);
  });

  test('show a hold with its roll and its limit, without the server that is full', () => {
    const { wanted, servers } = route(server('web', 'drain'), server('swapctl-r0ll1-hold-9000', 'ready'));
    assert.ok(wanted.kind === 'held');
    assert.deepEqual([wanted.roll, wanted.longestMs, servers.length], ['r0ll1', 9000, 1]);
  });

  test('show no hold that was not begun, or has ended', () => {
    assert.equal(route(server('web', 'ready'), server('swapctl-r0ll1-hold-9000', 'maint')).wanted.kind, 'servers');
    assert.equal(route(server('web', 'ready'), server('swapctl-r0ll1-hold-9000', 'maint', 0)).wanted.kind, 'baseline');
  });

  test('show which ones a person has set to maintenance or drain', () => {
    const byHand = (...servers: readonly RuntimeServer[]) => setByHand(membersOf(servers, CONFIGURED));
    assert.deepEqual(byHand(server('web', 'maint'), server('spare', 'maint')), ['web']);
    assert.deepEqual(byHand(server('web', 'ready'), server('spare', 'maint')), []);
    assert.deepEqual(byHand(server('web', 'drain'), server('swapctl-r0ll1-1', 'ready')), [], 'a roll did it');
  });
});
