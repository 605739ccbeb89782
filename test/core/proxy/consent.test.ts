import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import { isAllowed } from '../../../src/core/proxy/consent.ts';
import { readPolicy } from '../../../src/core/settings/read.ts';
import { own } from '../own.ts';

suite('a proxy may be named by the labels', () => {
  const edge = { key: 'shop/edge', project: 'shop' };
  const cases = [
    ['of its own compose project', { key: 'shop/web', project: 'shop' }, undefined, true],
    ['of no other project', { key: 'blog/web', project: 'blog' }, undefined, false],
    ['of no container without a project', { key: 'web', project: undefined }, undefined, false],
    ['of a service in its list', { key: 'blog/web', project: 'blog' }, ['blog/web'], true],
    ['of no service beside its list', { key: 'shop/web', project: 'shop' }, ['blog/web'], false],
    ['of no service if its list is empty', { key: 'shop/web', project: 'shop' }, [], false],
    ['of no service of that name in another project', { key: 'blog/web', project: 'blog' }, ['web'], false],
    ['of all services', { key: 'web', project: undefined }, ['*'], true],
  ] as const;
  for (const [name, service, allow, allowed] of cases)
    test(name, () => assert.equal(isAllowed(service, edge, allow), allowed));

  test('but two containers without a project do not belong together', () => {
    assert.equal(isAllowed({ key: 'web', project: undefined }, { key: 'edge', project: undefined }, undefined), false);
  });
});

test('swapctl.proxy.allow names services, or all', () => {
  const read = (value: string) => readPolicy(own({ 'swapctl.proxy.allow': value })).proxyAllow;
  assert.deepEqual(read('shop/web, api,*'), ['shop/web', 'api', '*']);
  assert.deepEqual(read(''), []);
  for (const wrong of ['shop/*', 'a b', '/web', 'a/b/c'])
    assert.throws(
      () => read(wrong),
      (error) => error instanceof SwapError && error.code === 'config' && /is no name of a service/.test(error.message),
      wrong,
    );
});
