import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { tidyHeap } from '../../../../src/adapters/host/heap.ts';
import { allows, parseScope } from '../../../../src/core/access/scope.ts';
import type { ServerConfig } from '../../../../src/core/access/server-config.ts';
import { SwapError } from '../../../../src/core/model/error.ts';
import { callerAddress, countedAs } from '../../../../src/fronts/server/access/address.ts';
import { auditFile, callerFields, createAudit } from '../../../../src/fronts/server/access/audit.ts';
import { type Credentials, createGatekeeper } from '../../../../src/fronts/server/access/authenticate.ts';
import { openTokenDesk } from '../../../../src/fronts/server/access/desk.ts';
import { newToken } from '../../../../src/fronts/server/access/token.ts';
import { openTokens } from '../../../../src/fronts/server/access/token-file.ts';

const NOW = Date.UTC(2026, 10, 30);
const DAY = 86_400_000;
const desk = openTokenDesk(() => NOW);
let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-access-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function place(name: string, lines: readonly string[]): string {
  const file = path.join(folder, name);
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

async function refusal(work: Promise<unknown>): Promise<SwapError> {
  const error = await work.then(
    () => assert.fail('nothing was raised'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SwapError);
  return error;
}

const over = (token: string, change: Partial<Credentials> = {}): Credentials => ({
  authorization: `Bearer ${token}`,
  address: '192.0.2.7',
  socket: 'tcp',
  now: NOW,
  ...change,
});

suite('a gatekeeper', () => {
  const ci = desk.create({ name: 'ci', allow: ['roll:shop/*', 'read'], expires: '90d' });
  const NOBODY: Pick<ServerConfig, 'clients' | 'trustProxy'> = { clients: [], trustProxy: [] };
  const open = async (config: Partial<ServerConfig> = {}) => {
    const tokens = await openTokens(place('gate', [ci.line]), () => {});
    return createGatekeeper({ ...NOBODY, ...config }, tokens);
  };

  test('knows the caller by its token, and what it may do', async () => {
    const { principal } = await (await open()).authenticate(over(ci.token));
    assert.equal(principal?.name, 'ci');
    assert.deepEqual([principal?.by, principal?.address], ['token', '192.0.2.7']);
    assert.ok(allows(principal?.scopes ?? [], 'roll', 'shop/web'));
    assert.ok(!allows(principal?.scopes ?? [], 'rollback', 'shop/web'));
  });

  test('takes no token any more from the instant on at which it expires', async () => {
    const gate = await open();
    assert.ok((await gate.authenticate(over(ci.token, { now: NOW + 90 * DAY - 1 }))).principal);
    assert.equal((await gate.authenticate(over(ci.token, { now: NOW + 90 * DAY }))).refusal?.reason, 'expired');
  });

  for (const [what, change, reason] of [
    ['no credential', { authorization: undefined }, 'no-credential'],
    ['an empty header', { authorization: '' }, 'not-a-token'],
    ['another scheme', { authorization: `Basic ${ci.token}` }, 'not-a-token'],
    ['a token that was cut off', { authorization: `Bearer ${ci.token.slice(0, -2)}` }, 'not-a-token'],
    ['a very long header', { authorization: `Bearer ${'a'.repeat(100_000)}` }, 'not-a-token'],
    ['another token', { authorization: `Bearer ${newToken()}` }, 'unknown-token'],
    ['the hash instead of the token', { authorization: `Bearer ${ci.line.split(/[ :]/)[2]}` }, 'not-a-token'],
  ] as const)
    test(`refuses ${what} with 401, and repeats nothing of it`, async () => {
      const { principal, refusal } = await (await open()).authenticate(over('', change));
      assert.equal(principal, undefined);
      assert.deepEqual([refusal?.status, refusal?.reason], [401, reason]);
      assert.doesNotMatch(JSON.stringify(refusal), /swapctl_[0-9A-Za-z]{4}/);
    });

  test('takes a peer on the unix socket as an administrator; a token narrows that', async () => {
    const gate = await open();
    const { principal } = await gate.authenticate({ socket: 'unix', now: NOW });
    assert.deepEqual(principal, { name: 'socket', scopes: [{ kind: 'admin' }], by: 'socket', address: 'unix' });
    assert.equal((await gate.authenticate(over(ci.token, { socket: 'unix' }))).principal?.name, 'ci');
    assert.equal((await gate.authenticate(over(newToken(), { socket: 'unix' }))).principal, undefined);
  });

  test('limits failed logins by address, and never a good token', async () => {
    const gate = await open();
    const statuses: number[] = [];
    let logged = 0;
    for (let i = 0; i < 20; i++) {
      const { refusal } = await gate.authenticate(over(newToken()));
      statuses.push(refusal?.status ?? 0);
      if (refusal?.log) logged += 1;
    }
    assert.deepEqual(statuses, [...Array(10).fill(401), ...Array(10).fill(429)]);
    assert.equal(logged, 1);
    assert.equal((await gate.authenticate(over(newToken()))).refusal?.retryAfterS, 6);
    assert.equal((await gate.authenticate(over(newToken(), { address: '192.0.2.8' }))).refusal?.status, 401);
    assert.equal((await gate.authenticate(over(newToken(), { now: NOW + 60_000 }))).refusal?.status, 401);
    assert.ok((await gate.authenticate(over(ci.token))).principal);
  });

  test('tells every caller without a credential what it lacks, since it guesses nothing', async () => {
    const gate = await open();
    for (let i = 0; i < 20; i++)
      assert.equal((await gate.authenticate(over('', { authorization: undefined }))).refusal?.status, 401);
    assert.equal((await gate.authenticate(over(newToken()))).refusal?.status, 401);
  });

  test('answers 10,000 wrong tokens from 10,000 addresses in bounded memory', async () => {
    const gate = await open();
    const wrong = newToken();
    const flood = async (from: number): Promise<void> => {
      for (let i = from; i < from + 10_000; i++)
        await gate.authenticate(over(wrong, { address: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}` }));
    };
    const heap = (): number => {
      tidyHeap();
      return process.memoryUsage().heapUsed;
    };
    await flood(0);
    const before = heap();
    for (let round = 1; round < 6; round++) await flood(round * 10_000);
    const grown = heap() - before;
    assert.ok(grown < 8 * 1024 * 1024, `${grown} bytes more after 50,000 further addresses`);
    assert.ok((await gate.authenticate(over(ci.token))).principal);
  });

  test('limits the changes of a token, and none of the unix socket', async () => {
    const gate = await open();
    const principal = (await gate.authenticate(over(ci.token))).principal ?? assert.fail('no principal');
    const passed = Array.from({ length: 40 }, () => gate.mayChange(principal, NOW)).filter(({ ok }) => ok);
    assert.equal(passed.length, 30);
    assert.deepEqual(gate.mayChange(principal, NOW), { ok: false, retryAfterS: 2 });
    const socket = (await gate.authenticate({ socket: 'unix', now: NOW })).principal ?? assert.fail('no principal');
    assert.ok(Array.from({ length: 40 }, () => gate.mayChange(socket, NOW)).every(({ ok }) => ok));
  });

  suite('knows client certificates', () => {
    const clients = [{ name: 'runner', subject: 'CN=ci, O=Shop\\, Inc.', scopes: [parseScope('check')] }];
    const by = async (subject: Record<string, string | string[]>, authorized = true) =>
      (await open({ clients })).authenticate({ socket: 'tcp', now: NOW, clientCertificate: { authorized, subject } });

    test('by the attributes of their subject', async () => {
      assert.equal((await by({ CN: 'ci', O: 'Shop, Inc.', C: 'DE' })).principal?.name, 'runner');
      assert.equal((await by({ CN: ['x', 'ci'], O: 'Shop, Inc.' })).principal?.name, 'runner');
    });

    for (const [what, subject, authorized] of [
      ['without an attribute', { CN: 'ci' }, true],
      ['with another value', { CN: 'ci2', O: 'Shop, Inc.' }, true],
      ['with an attribute that JavaScript has by itself', { constructor: 'ci' }, true],
    ] as const)
      test(`and refuses one ${what}`, async () => {
        assert.equal((await by(subject, authorized)).refusal?.reason, 'unknown-certificate');
      });

    test('and none that the TLS layer did not verify', async () => {
      assert.equal((await by({ CN: 'ci', O: 'Shop, Inc.' }, false)).refusal?.reason, 'no-credential');
    });
  });
});

suite('a token file on disk', () => {
  const one = desk.create({ name: 'one', allow: ['read'], expires: undefined });
  const two = desk.create({ name: 'two', allow: ['read'], expires: undefined });
  const names = (tokens: readonly { readonly name: string }[]) => tokens.map(({ name }) => name);

  test('is read again when it has changed, and a removed line ends its token', async () => {
    const file = place('reload', [one.line]);
    const notes: string[] = [];
    const tokens = await openTokens(file, (text) => notes.push(text));
    assert.deepEqual(names(await tokens.current(NOW)), ['one']);
    appendFileSync(file, `${two.line}\n`);
    assert.deepEqual(names(await tokens.current(NOW + 500)), ['one']);
    assert.deepEqual(names(await tokens.current(NOW + 1000)), ['one', 'two']);
    renameSync(place('reload.new', [two.line]), file);
    assert.deepEqual(names(await tokens.current(NOW + 2000)), ['two']);
    assert.equal(notes.length, 2);
  });

  test('that gets a mistake keeps its other lines, and the note names the line', async () => {
    const file = place('mistake', [one.line]);
    const notes: string[] = [];
    const tokens = await openTokens(file, (text) => notes.push(text));
    writeFileSync(file, `${one.line}\ntwo sha256:x read\n`);
    assert.deepEqual(names(await tokens.current(NOW + 1000)), ['one']);
    assert.match(notes.join('\n'), /mistake:2: the hash is not .*; the line does not count/);
  });

  for (const [what, change] of [
    ['others may write to', (file: string) => chmodSync(file, 0o666)],
    ['is gone', (file: string) => rmSync(file)],
  ] as const)
    test(`that ${what} has no valid token until that is fixed`, async () => {
      const file = place('broken', [one.line]);
      const notes: string[] = [];
      const tokens = await openTokens(file, (text) => notes.push(text));
      change(file);
      assert.deepEqual(await tokens.current(NOW + 1000), []);
      assert.match(notes.join('\n'), /no token is valid until that is fixed/);
      rmSync(file, { force: true });
      place('broken', [one.line]);
      assert.deepEqual(names(await tokens.current(NOW + 2000)), ['one']);
    });

  test('does not let a server start if it has a mistake, is missing, or others may write to it', async () => {
    const start = (file: string) => refusal(openTokens(file, () => {}));
    assert.match((await start(place('a', ['x', 'y']))).message, /a:1: this is not a line .* \(and 1 more\)/);
    assert.match((await start(path.join(folder, 'none'))).message, /token file .*none can't be read: ENOENT/);
    const open = place('open', [one.line]);
    chmodSync(open, 0o620);
    const error = await start(open);
    assert.match(error.message, /others than the owner may write to the token file/);
    assert.match(error.hint ?? '', /chmod go-w/);
  });
});

suite('swapctl token', () => {
  test('makes a token, its line and its end', () => {
    const made = desk.create({ name: 'ci', allow: ['roll:shop/*,read', 'check'], expires: '90d' });
    assert.match(made.line, /^ci sha256:[0-9a-f]{64} roll:shop\/\*,read,check expires=2027-02-28T00:00:00.000Z$/);
    assert.equal(made.expires, '2027-02-28T00:00:00.000Z');
    assert.ok(!made.line.includes(made.token.slice(8)));
    assert.notEqual(desk.create({ name: 'ci', allow: ['read'], expires: undefined }).token, made.token);
  });

  test('lists the tokens of a file, and what is wrong in it', async () => {
    const old = openTokenDesk(() => NOW - DAY).create({ name: 'old', allow: ['read'], expires: '1h' });
    const ci = desk.create({ name: 'ci', allow: ['roll:*'], expires: undefined });
    const file = place('list', [old.line, ci.line, 'oops']);
    assert.deepEqual(await desk.list(file), {
      file,
      tokens: [
        { name: 'old', allow: ['read'], expires: new Date(NOW - DAY + 3_600_000).toISOString(), state: 'expired' },
        { name: 'ci', allow: ['roll:*'], state: 'valid' },
      ],
      mistakes: [{ line: 3, message: (await desk.list(file)).mistakes[0]?.message }],
    });
  });
});

suite('the address of a caller', () => {
  const behind = callerAddress(['10.0.0.0/8', 'fd00::1']);
  for (const [what, peer, header, caller] of [
    ['is that of the peer', '192.0.2.1', undefined, '192.0.2.1'],
    ['ignores the header of a peer that is no trusted proxy', '192.0.2.1', '198.51.100.1', '192.0.2.1'],
    ['is what the proxy says', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['is the last one that is no proxy', '10.0.0.1', '1.1.1.1, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['has no port', '10.0.0.1', '198.51.100.1:5000', '198.51.100.1'],
    ['may be of IPv6', 'fd00::1', '[2001:db8::1]:443', '2001:db8::1'],
    ['is never a text that is no address', '10.0.0.1', 'evil"\n', '10.0.0.1'],
    ['is that of the proxy if it names only proxies', '10.0.0.1', '10.0.0.2', '10.0.0.2'],
    ['is of IPv4 on a socket for both families', '::ffff:192.0.2.1', undefined, '192.0.2.1'],
    ['is unknown without a peer', undefined, undefined, 'unknown'],
  ] as const)
    test(what, () => assert.equal(behind(peer, header), caller));

  test('trusts nobody by default', () => {
    assert.equal(callerAddress([])('127.0.0.1', '198.51.100.1'), '127.0.0.1');
    assert.throws(() => callerAddress(['10.0.0.0/33']), /"10.0.0.0\/33" is not an address or network/);
  });

  test('counts an IPv6 network of a customer together', () => {
    assert.equal(countedAs('2001:db8:0:12::1'), '2001:db8:0:12::/64');
    assert.equal(countedAs('2001:0db8:0000:0012:a:b:c:d'), '2001:db8:0:12::/64');
    assert.equal(countedAs('::1'), '0:0:0:0::/64');
    assert.equal(countedAs('192.0.2.1'), '192.0.2.1');
  });
});

suite('the audit log', () => {
  const principal = { name: 'ci', scopes: [], by: 'token', address: '192.0.2.1' } as const;
  const entry = (outcome: string) => ({
    time: new Date(NOW).toISOString(),
    ...callerFields(principal),
    what: 'roll',
    outcome,
  });

  test('gets whole lines in order, in a file for its owner only', async () => {
    const file = path.join(folder, 'audit.log');
    const audit = createAudit(auditFile(file), (text) => assert.fail(text));
    await Promise.all(Array.from({ length: 50 }, (_, i) => audit.write(entry(`${i}`))));
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).outcome),
      Array.from({ length: 50 }, (_, i) => `${i}`),
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test('notes a sink that fails, and goes on', async () => {
    const notes: string[] = [];
    const audit = createAudit(auditFile(path.join(folder, 'no', 'audit.log')), (text) => notes.push(text));
    await audit.write(entry('accepted'));
    await audit.write(entry('rolled'));
    assert.equal(notes.length, 2);
    assert.match(notes[0] ?? '', /the audit log can't be written: ENOENT/);
  });
});
