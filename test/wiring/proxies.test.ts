import assert from 'node:assert/strict';
import test from 'node:test';
import { SwapError } from '../../src/core/model/error.ts';
import type { TrafficDriver } from '../../src/ports/traffic-driver.ts';
import { openProxies } from '../../src/wiring/proxies.ts';

const driver = (): TrafficDriver => ({ facts: fail, route: fail, apply: fail });
const fail = async (): Promise<never> => assert.fail('nobody is asked');

test('a proxy is opened once by its driver, and an unknown driver is refused with the one that was meant', () => {
  const open = openProxies({ haproxy: driver, nginx: driver });
  assert.equal(open('nginx', 'host'), open('nginx', 'host'));
  assert.notEqual(open('nginx', 'host'), open('nginx', 'a1b2'));
  assert.notEqual(open('nginx', 'host'), open('haproxy', 'host'));
  const refused = (name: string, hint: string) =>
    assert.throws(
      () => open(name, 'host'),
      (error) => error instanceof SwapError && error.code === 'config' && error.hint === hint,
    );
  refused('ngnix', 'did you mean nginx?');
  refused('constructor', 'known: haproxy, nginx');
});
