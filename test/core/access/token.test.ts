import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { auditLine } from '../../../src/core/access/audit.ts';
import { Limiter } from '../../../src/core/access/limits.ts';
import { parseScope } from '../../../src/core/access/scope.ts';
import { isToken, TOKEN, tokenOf } from '../../../src/core/access/token.ts';
import { readTokenFile, tokenLine } from '../../../src/core/access/token-file.ts';

const HASH = 'ab'.repeat(32);
const random = fc.uint8Array({ minLength: 32, maxLength: 32 });

suite('tokens', () => {
  test('have one form, whatever the random bytes are, and different bytes give different tokens', () => {
    fc.assert(
      fc.property(random, random, (a, b) => {
        assert.match(tokenOf(a), TOKEN);
        assert.ok(isToken(tokenOf(a)));
        assert.equal(tokenOf(a) === tokenOf(b), Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
    assert.match(tokenOf(new Uint8Array(32).fill(0)), TOKEN);
    assert.match(tokenOf(new Uint8Array(32).fill(255)), TOKEN);
  });

  test('have the CRC-32 of their digits at the end, as Python computes both', () => {
    const token = tokenOf(Uint8Array.from({ length: 32 }, (_, i) => i));
    assert.equal(token, 'swapctl_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1Yo7hP');
  });

  test('are not mistaken after a typo, or if they were cut off', () => {
    const token = tokenOf(new Uint8Array(32).fill(7));
    for (let at = 8; at < token.length; at++) {
      const typo = `${token.slice(0, at)}${token[at] === 'x' ? 'y' : 'x'}${token.slice(at + 1)}`;
      assert.ok(!isToken(typo), typo);
    }
    for (const other of [token.slice(0, -1), `${token}0`, token.toUpperCase(), '', 'swapctl_'])
      assert.ok(!isToken(other), other);
  });
});

suite('the token file', () => {
  const mistakes = (text: string): string[] =>
    readTokenFile(text).mistakes.map(({ line, message }) => `${line}: ${message}`);

  test('has one line a token, comments and empty lines', () => {
    const text = `# CI\n\nci sha256:${HASH} roll:shop/*,read   # the shop\r\nops sha256:${'cd'.repeat(32)} admin expires=2027-03-31\n`;
    const { entries, mistakes } = readTokenFile(text);
    assert.deepEqual(mistakes, []);
    assert.deepEqual(entries, [
      { name: 'ci', hash: HASH, scopes: ['roll:shop/*', 'read'].map(parseScope), expires: undefined },
      { name: 'ops', hash: 'cd'.repeat(32), scopes: [{ kind: 'admin' }], expires: Date.UTC(2027, 2, 31) },
    ]);
  });

  test('reads the lines that swapctl prints', () => {
    const entry = {
      name: 'ci@shop',
      hash: HASH,
      scopes: [parseScope('rollback:*')],
      expires: Date.UTC(2027, 0, 1, 2, 3),
    };
    assert.deepEqual(readTokenFile(tokenLine(entry)).entries, [entry]);
  });

  for (const [what, line, message] of [
    ['too few words', 'ci', /^1: this is not a line of a token file; swapctl token create prints one/],
    ['too many words', `ci sha256:${HASH} read expires=2027-01-01 x`, /^1: this is not a line of a token file/],
    [
      'a token',
      `ci swapctl_${'a'.repeat(49)} read`,
      /^1: this line holds a token instead of its hash; revoke the token/,
    ],
    ['a short hash', 'ci sha256:abcd read', /^1: the hash is not sha256: and 64/],
    ['a wrong scope', `ci sha256:${HASH} read,rol:x`, /^1: "rol:x" is not a scope/],
    ['a wrong name', `c:i sha256:${HASH} read`, /^1: "c:i" is not a name for a token/],
    [
      'the name of another actor',
      `schedule sha256:${HASH} read`,
      /^1: "schedule" is the name of an actor of the server/,
    ],
    ['a wrong date', `ci sha256:${HASH} read expires=31.3.2027`, /^1: "expires=31.3.2027" is not a date/],
    ['a day that is none', `ci sha256:${HASH} read expires=2027-13-01`, /^1: .* is not a date/],
    ['the same name', `ci sha256:${HASH} read\nci sha256:${'cd'.repeat(32)} read`, /^2: a token ci is above already/],
    ['the same hash', `ci sha256:${HASH} read\nco sha256:${HASH} admin`, /^2: the same hash is above already/],
  ] as const)
    test(`names the line with ${what}, and repeats no token`, () => {
      const [first = '', ...more] = mistakes(line);
      assert.match(first, message);
      assert.doesNotMatch(first, /swapctl_a/);
      assert.deepEqual(more, []);
    });

  test('keeps the right lines beside a wrong one', () => {
    const { entries } = readTokenFile(`oops\nci sha256:${HASH} read`);
    assert.deepEqual(
      entries.map(({ name }) => name),
      ['ci'],
    );
  });

  test('has at most 1000 tokens', () => {
    const lines = Array.from({ length: 1002 }, (_, i) => `t${i} sha256:${i.toString(16).padStart(64, '0')} read`);
    const list = readTokenFile(lines.join('\n'));
    assert.equal(list.entries.length, 1000);
    assert.deepEqual(
      list.mistakes.map(({ line }) => line),
      [1001, 1002],
    );
  });
});

suite('limits', () => {
  const rate = { burst: 3, everyMs: 1000, keys: 100 };

  test('let a burst pass, then one call in each interval', () => {
    const limiter = new Limiter(rate);
    const at = (now: number) => limiter.take('a', now).ok;
    assert.deepEqual(
      [at(0), at(0), at(0), at(0), at(999), at(1000), at(1001)],
      [true, true, true, false, false, true, false],
    );
    assert.deepEqual(limiter.take('a', 1500), { ok: false, retryAfterS: 1 });
    assert.equal(limiter.take('b', 1500).ok, true);
  });

  test('lose nothing if the clock is set back', () => {
    const limiter = new Limiter(rate);
    for (let i = 0; i < 3; i++) limiter.take('a', 10_000);
    assert.equal(limiter.take('a', 0).ok, false);
    assert.equal(limiter.take('a', 1000).ok, true);
  });

  test('remember a bounded number of keys, and forget the one that was used longest ago', () => {
    const limiter = new Limiter(rate);
    for (let i = 0; i < 3; i++) limiter.take('guessing', 0);
    for (let i = 0; i < 100_000; i++) {
      limiter.take(`key ${i}`, 0);
      if (i % 50 === 0) limiter.take('guessing', 0);
    }
    assert.equal(limiter.size, 100);
    assert.equal(limiter.take('guessing', 0).ok, false);
  });
});

suite('a line of the audit log', () => {
  const entry = {
    time: '2026-11-30T12:00:00.000Z',
    who: 'ci',
    by: 'token',
    from: '192.0.2.1',
    what: 'roll',
    outcome: 'accepted',
  } as const;

  test('is JSON, with the fields that are known', () => {
    const line = auditLine({ ...entry, service: 'shop/web', job: 'a1b2c3' });
    assert.deepEqual(JSON.parse(line), { ...entry, service: 'shop/web', job: 'a1b2c3' });
    assert.equal(line.indexOf('\n'), line.length - 1);
  });

  test('holds no token, no line break and no endless text, whatever a caller sends as a service', () => {
    const token = tokenOf(new Uint8Array(32).fill(7));
    const line = auditLine({ ...entry, service: `x\n{"who":"root"}\x1b[2J ${token} ${'y'.repeat(5000)}` });
    assert.equal(line.split('\n').length, 2);
    assert.doesNotMatch(line, new RegExp(token.slice(8, 40)));
    assert.ok(line.length < 600);
  });
});
