import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { matches } from '../../../src/core/access/pattern.ts';
import { type Action, allows, parseScope, readable, scopeText } from '../../../src/core/access/scope.ts';
import { SwapError } from '../../../src/core/model/error.ts';

const ACTIONS: readonly Action[] = ['read', 'check', 'roll', 'rollback', 'admin'];
const scopes = (...texts: string[]) => texts.map(parseScope);

suite('scopes', () => {
  for (const [scope, service, may] of [
    ['read', 'shop/web', ['read']],
    ['read', undefined, ['read']],
    ['check', undefined, ['check']],
    ['roll:shop/*', 'shop/web', ['read', 'check', 'roll']],
    ['roll:shop/*', 'blog/web', []],
    ['roll:shop/*', undefined, []],
    ['roll:*', undefined, ['read', 'check', 'roll']],
    ['rollback:shop/web', 'shop/web', ['read', 'rollback']],
    ['rollback:shop/web', 'shop/web2', []],
    ['admin', 'shop/web', ACTIONS],
    ['admin', undefined, ACTIONS],
  ] as const)
    test(`${scope} permits ${may.join(', ') || 'nothing'} on ${service ?? 'all services'}`, () => {
      assert.deepEqual(
        ACTIONS.filter((action) => allows(scopes(scope), action, service)),
        may,
      );
    });

  test('several add up, and none permit nothing', () => {
    assert.ok(allows(scopes('check', 'roll:shop/*'), 'check', 'blog/web'));
    assert.ok(!ACTIONS.some((action) => allows([], action, 'shop/web')));
  });

  test('a caller sees the events of the services that it may read, and with read those of the server, too', () => {
    const events = [{ service: 'shop/web' }, { service: 'blog/web' }, {}] as { service?: string }[];
    const seen = (...texts: string[]) => readable(scopes(...texts), events, ({ service }) => service);
    assert.deepEqual(seen('roll:shop/*'), [events[0]]);
    assert.deepEqual(seen('read'), events);
    assert.deepEqual(seen('check'), []);
  });

  test('are read back as they were written', () => {
    for (const text of ['read', 'check', 'admin', 'roll:*', 'roll:shop/*', 'rollback:shop/web-1.x'])
      assert.equal(scopeText(parseScope(text)), text);
  });

  for (const [text, message, hint] of [
    ['raed', /"raed" is not a scope/, /did you mean read\?/],
    ['roll', /roll needs a pattern/, /roll:\*/],
    ['roll:', /"" is not a pattern/, /roll:shop\/web/],
    ['roll:a/b/c', /not a pattern/, /write it like/],
    ['roll:shop/../x y', /not a pattern/, /write it like/],
    ['read:shop/*', /not a scope/, /use read, check/],
    ['', /not a scope/, /use read/],
  ] as const)
    test(`${JSON.stringify(text)} is refused with a hint`, () => {
      assert.throws(
        () => parseScope(text),
        (error) =>
          error instanceof SwapError &&
          error.code === 'config' &&
          message.test(error.message) &&
          hint.test(error.hint ?? ''),
      );
    });
});

suite('patterns', () => {
  for (const [pattern, key, is] of [
    ['*', 'shop/web', true],
    ['*', 'web', true],
    ['shop/*', 'shop/web', true],
    ['shop/*', 'shop/', true],
    ['shop*', 'shop/web', false],
    ['*/web', 'shop/web', true],
    ['*/web', 'web', false],
    ['s*p/w*', 'shop/web', true],
    ['*b', 'shop/web', false],
    ['web', 'shop/web', false],
    ['shop/w.b', 'shop/web', false],
    ['a*b*c', 'aXbYbc', true],
    ['a*b*c', 'aXbYb', false],
    ['shop/web', 'shop/web ', false],
  ] as const)
    test(`${pattern} ${is ? 'matches' : 'does not match'} ${JSON.stringify(key)}`, () => {
      assert.equal(matches(pattern, key), is);
    });

  test('agree with the regular expression that they stand for', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 });
    fc.assert(
      fc.property(letters, letters, (pattern, name) => {
        const key = name.replaceAll('*', 'c');
        const expected = pattern === '*' || new RegExp(`^${pattern.replaceAll('*', '[^/]*')}$`).test(key);
        assert.equal(matches(pattern, key), expected);
      }),
      { numRuns: 5000 },
    );
  });

  test('take no time that grows with the number of stars', () => {
    assert.equal(matches(`${'*a'.repeat(100)}b`, 'a'.repeat(5000)), false);
  });
});
