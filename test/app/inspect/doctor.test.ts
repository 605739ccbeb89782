import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnose } from '../../../src/app/inspect/doctor.ts';
import { fail } from '../../../src/core/model/error.ts';
import { type Config, NO_CONFIG } from '../../../src/core/settings/config.ts';
import type { Diagnosis } from '../../../src/core/traffic/connections.ts';
import type { KernelLayer } from '../../../src/core/traffic/kernel-layer.ts';
import type { Ports } from '../../../src/ports/ports.ts';
import { composed, container } from '../../core/builders.ts';

/** The findings of doctor about the configuration. */
async function about(config: () => Config) {
  return (await findings(config, { available: true })).find(({ check }) => check === 'swapctl.yml');
}

/** The findings of doctor about the kernel layer. */
async function aboutKernel(layer: KernelLayer) {
  return (await findings(() => NO_CONFIG, layer)).filter(({ check }) => check === 'kernel layer');
}

const NO_CLIENTS: Diagnosis = { available: true, connections: [] };

function findings(config: () => Config, layer: KernelLayer, diagnosis = NO_CLIENTS) {
  const ports = {
    config,
    engine: {
      facts: async () => ({ product: 'docker', local: true, clockOffsetMs: 0 }),
      list: async () => [composed('shop', 'web', 1)],
      images: async () => [],
      container: async () => container(),
      bridges: async () => [],
    },
    traffic: { connections: async () => 0, diagnose: async () => diagnosis },
    kernel: { layer: async () => layer },
    host: { logins: async () => [] },
  } as unknown as Ports;
  return diagnose(ports);
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

test('a drain that must wait for idle connections is a limit, with the reason and the cure', async () => {
  const about = async (diagnosis: Diagnosis) =>
    (await findings(() => NO_CONFIG, { available: true }, diagnosis)).find(({ check }) => check === 'drain');
  assert.equal((await about(NO_CLIENTS))?.state, 'ok');
  const missing = { available: false, why: 'ss is not installed', advice: 'install the package iproute2' } as const;
  const limited = await about(missing);
  assert.equal(limited?.state, 'limited');
  assert.match(limited?.found ?? '', /idle ones can't be told from busy ones: ss is not installed$/);
  assert.match(limited?.advice ?? '', /^install the package iproute2; until then each drain waits for idle/);
});

test('a kernel layer that takes all rules is right', async () => {
  const [finding, ...more] = await aboutKernel({ available: true });
  assert.equal(finding?.state, 'ok');
  assert.deepEqual(more, []);
});

test('each kind of rules that nft refuses is a limit, with the words of nft and what follows', async () => {
  const trouble = { kind: 'refused', words: 'beyond me: reject with tcp reset' } as const;
  const found = await aboutKernel({ available: true, refused: { gate: trouble, 'address redirect': trouble } });
  assert.deepEqual(
    found.map(({ state, found: what }) => [state, what]),
    [
      ['limited', 'no gate: nft refuses the rules (beyond me: reject with tcp reset)'],
      ['limited', 'no address redirect: nft refuses the rules (beyond me: reject with tcp reset)'],
    ],
  );
  assert.match(found[0]?.advice ?? '', /^a new container can be reached before it is healthy.*nft --version/);
});

test('an nft that dies is told as that', async () => {
  const [finding] = await aboutKernel({ available: false, why: 'nft died by SIGSEGV: install a newer one' });
  assert.equal(finding?.state, 'limited');
  assert.equal(finding?.found, 'nft died by SIGSEGV: install a newer one');
});
