import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import { ownLabels } from '../../../src/core/model/own-labels.ts';
import { readPolicy } from '../../../src/core/settings/read.ts';
import { own } from '../own.ts';

suite('the settings of a proxy', () => {
  const read = (labels: Record<string, string>) => {
    const { proxy, proxyRoute, proxyPort } = readPolicy(own(labels));
    return { proxy, proxyRoute, proxyPort };
  };

  test('name a container, a compose service or the host, a route and a port', () => {
    assert.deepEqual(read({ 'swapctl.proxy': 'nginx:edge' }), {
      proxy: { driver: 'nginx', place: 'edge', byLabel: true },
      proxyRoute: undefined,
      proxyPort: undefined,
    });
    const inProject = { driver: 'caddy', place: 'shop/edge', byLabel: true };
    assert.deepEqual(read({ 'swapctl.proxy': 'caddy:shop/edge' }).proxy, inProject);
    assert.deepEqual(read({ 'swapctl.proxy': 'haproxy:host:/etc/haproxy/two.cfg' }).proxy, {
      driver: 'haproxy',
      place: 'host:/etc/haproxy/two.cfg',
      byLabel: true,
    });
    assert.deepEqual(
      read({ 'swapctl.proxy': 'haproxy:host', 'swapctl.proxy.route': 'web_1', 'swapctl.proxy.port': '8080' }),
      { proxy: { driver: 'haproxy', place: 'host', byLabel: true }, proxyRoute: 'web_1', proxyPort: 8080 },
    );
  });

  for (const [label, value] of [
    ['swapctl.proxy', 'nginx'],
    ['swapctl.proxy', 'nginx:'],
    ['swapctl.proxy', 'nginx:a/b/c'],
    ['swapctl.proxy', 'nginx:../edge'],
    ['swapctl.proxy', 'nginx:-v'],
    ['swapctl.proxy', '../x:edge'],
    ['swapctl.proxy.route', 'web; reload'],
    ['swapctl.proxy.route', 'web\n}'],
    ['swapctl.proxy.route', ''],
    ['swapctl.proxy.port', '0'],
    ['swapctl.proxy.port', '70000'],
  ] as const)
    test(`${label} refuses ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => read({ [label]: value }),
        (error) => error instanceof SwapError && error.code === 'config' && error.hint !== undefined,
      );
    });

  test('do without the consent of another owner in swapctl.yml', () => {
    const service = { proxy: { value: 'nginx:host', where: 'swapctl.yml' } };
    assert.deepEqual(readPolicy(own({}), {}, { defaults: {}, service }).proxy, {
      driver: 'nginx',
      place: 'host',
    });
  });

  test('suggest the right label for a misspelt one', () => {
    assert.throws(
      () => read({ 'swapctl.proxy.rout': 'web' }),
      (error) => error instanceof SwapError && error.hint === 'did you mean swapctl.proxy.route?',
    );
  });

  test('do not count on an image, nor if the image is gone', () => {
    const labels = { 'swapctl.proxy': 'nginx:edge', 'swapctl.proxy.route': 'web', 'swapctl.proxy.port': '80' };
    const container = { name: 'web', imageId: 'sha256:1', labels };
    assert.equal(readPolicy(ownLabels(container, labels)).proxy, undefined, 'its image has the same labels');
    const { proxy, proxyRoute, proxyPort } = readPolicy(ownLabels(container, undefined));
    assert.deepEqual([proxy, proxyRoute, proxyPort], [undefined, undefined, undefined], 'its image is gone');
  });
});
