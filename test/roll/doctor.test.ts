import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, NO_CONFIG } from '../../src/core/config.ts';
import { fail } from '../../src/core/error.ts';
import type { Ports } from '../../src/ports.ts';
import { diagnose } from '../../src/roll/doctor.ts';
import { composed, container } from '../core/builders.ts';

/** What doctor says about the configuration. */
async function about(config: () => Config) {
  const ports = {
    config,
    engine: {
      facts: async () => ({ product: 'docker', local: true, clockOffsetMs: 0 }),
      list: async () => [composed('shop', 'web', 1)],
      container: async () => container(),
      bridges: async () => [],
    },
    traffic: { connections: async () => 0 },
    kernel: { layer: async () => ({ available: true }) },
    host: { logins: async () => [] },
  } as unknown as Ports;
  return (await diagnose(ports)).find(({ check }) => check === 'swapctl.yml');
}

const AT = { ...NO_CONFIG, path: '/etc/swapctl/swapctl.yml' };

test('without a file doctor has nothing to say about it', async () => {
  assert.equal(await about(() => NO_CONFIG), undefined);
});

test('a right file is named', async () => {
  const right = { check: 'swapctl.yml', state: 'ok', found: '/etc/swapctl/swapctl.yml' };
  assert.deepEqual(await about(() => ({ ...AT, services: { web: {}, 'shop/web': {} } })), right);
});

test('a service that is not on this engine may be a slip of the finger', async () => {
  const finding = await about(() => ({ ...AT, services: { wbe: {}, web: {} } }));
  assert.equal(finding?.state, 'limited');
  assert.match(finding?.found ?? '', /not on this engine: wbe$/);
});

test('a wrong file is a problem', async () => {
  const finding = await about(() => fail('config', 'swapctl.yml:1:1: no', { hint: 'check it' }));
  assert.deepEqual(finding, {
    check: 'swapctl.yml',
    state: 'problem',
    found: 'swapctl.yml:1:1: no',
    advice: 'check it',
  });
});
