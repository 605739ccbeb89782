// The targets of requests: certificates, mirrors, proxies, and forbidden addresses.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { suite, type TestContext } from 'node:test';
import { systemClock } from '../../../src/adapters/host/clock.ts';
import { isInnerAddress } from '../../../src/adapters/registry/http/addresses.ts';
import { openDial } from '../../../src/adapters/registry/http/dial.ts';
import { openHttp } from '../../../src/adapters/registry/http/http.ts';
import { retryAfterMs } from '../../../src/adapters/registry/http/pace.ts';
import { readSettings } from '../../../src/adapters/registry/settings.ts';
import { parseReference } from '../../../src/core/model/reference.ts';
import { missingDownload, missingProgram } from '../../lab/missing.ts';
import { startRegistry } from '../../lab/registry.ts';
import { pushImage } from './push.ts';
import { client, image, scripted, serving } from './scripted.ts';

const noRegistry = missingDownload('tools') || missingProgram('openssl');
const never = new AbortController().signal;
const one = image('one');

/** A folder with the authority of one registry. */
function certsOf(t: TestContext, host: string, authority: string): string {
  const certs = mkdtempSync(join(tmpdir(), 'swc-'));
  t.after(() => rmSync(certs, { recursive: true }));
  mkdirSync(join(certs, host));
  copyFileSync(authority, join(certs, host, 'ca.crt'));
  return certs;
}

/** An address of this machine other than loopback; undefined if there is none. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

suite('a real registry', { skip: noRegistry }, () => {
  for (const login of ['none', 'htpasswd', 'token'] as const)
    test(`with login ${login}`, async (t) => {
      const registry = await startRegistry({ login });
      t.after(() => registry.stop());
      const pushed = await pushImage(registry, 'team/app:1', 'first');
      await pushImage(registry, 'team/app:2', 'second');
      const before = registry.log().length;
      const asking = client(t, {
        loginFor: async () => registry.login && { ...registry.login, serveraddress: registry.host },
      });
      const reference = `${registry.host}/team/app:1`;
      assert.equal(await asking.digest(parseReference(reference), never), pushed.digest);
      assert.equal(await asking.digest(parseReference(reference), never), pushed.digest);
      const heads = registry
        .log()
        .slice(before)
        .map((line) => line.replace(/ \d+$/, ''));
      assert.deepEqual(new Set(heads), new Set(['HEAD /v2/team/app/manifests/1']));
      assert.equal(heads.length, login === 'none' ? 2 : 3, 'a login is learnt once');
      const found = await asking.image(
        parseReference(`${registry.host}/team/app@${pushed.digest}`),
        { os: 'linux', architecture: 'amd64' },
        never,
      );
      assert.equal(found.configDigest, pushed.configDigest);
      assert.deepEqual((await asking.tags(parseReference(reference), never)).sort(), ['1', '2']);
      await assert.rejects(asking.digest(parseReference(`${registry.host}/team/app:3`), never), {
        code: 'no-such-image',
      });
    });

  for (const login of ['htpasswd', 'token'] as const)
    test(`with login ${login}, and none here`, async (t) => {
      const registry = await startRegistry({ login });
      t.after(() => registry.stop());
      await assert.rejects(client(t).digest(parseReference(`${registry.host}/app:1`), never), { code: 'login' });
    });

  test('with TLS on this machine needs no authority, as for docker', async (t) => {
    const registry = await startRegistry({ tls: true, login: 'htpasswd' });
    t.after(() => registry.stop());
    const { digest } = await pushImage(registry, 'app:1', 'first');
    const asking = client(t, { loginFor: async () => registry.login && { ...registry.login, serveraddress: '' } });
    assert.equal(await asking.digest(parseReference(`${registry.host}/app:1`), never), digest);
  });

  test('with TLS elsewhere needs its authority, or an exception', async (t) => {
    const address = ownAddress();
    if (!address) return t.skip('this machine has no address but its loopback');
    const registry = await startRegistry({ tls: true, address });
    t.after(() => registry.stop());
    const { digest } = await pushImage(registry, 'app:1', 'first');
    const reference = `${registry.host}/app:1`;
    const refused = await client(t)
      .digest(parseReference(reference), never)
      .catch((error) => error);
    assert.equal(refused.code, 'registry-unreachable');
    assert.match(refused.message, /can't be trusted/);
    assert.match(refused.hint, new RegExp(`certs.d/${registry.host}/ca.crt`));
    const certs = certsOf(t, registry.host, registry.caFile ?? '');
    assert.equal(await client(t, { certs }).digest(parseReference(reference), never), digest);
    for (const exception of [registry.host, `${address}/32`]) {
      const rules = { insecure: [exception] };
      assert.equal(await client(t, { rules }).digest(parseReference(reference), never), digest);
    }
    const said = { insecure: false, ca: undefined, mirrors: [] };
    for (const here of [
      { ...said, ca: registry.caFile },
      { ...said, insecure: true },
    ]) {
      const rules = { hosts: { [registry.host]: here } };
      assert.equal(await client(t, { rules }).digest(parseReference(reference), never), digest, 'as swapctl.yml says');
    }
    const missing = { hosts: { [registry.host]: { ...said, ca: '/nowhere/ca.pem' } } };
    await assert.rejects(client(t, { rules: missing }).digest(parseReference(reference), never), { code: 'config' });
  });

  test('without TLS elsewhere is not spoken to without an exception', async (t) => {
    const address = ownAddress();
    if (!address) return t.skip('this machine has no address but its loopback');
    const { host, lines } = await scripted(t, serving({ 1: one.manifest }), address);
    await assert.rejects(client(t).digest(parseReference(`${host}/app:1`), never), { code: 'registry-unreachable' });
    assert.deepEqual(lines(), []);
    const rules = { insecure: [`${address}/32`] };
    assert.equal(await client(t, { rules }).digest(parseReference(`${host}/app:1`), never), one.manifest.digest);
  });
});

suite('mirrors', () => {
  test('are asked for Docker Hub, in their order, with their own login', async (t) => {
    const empty = await scripted(t, serving({}));
    const good = await scripted(t, serving({ 1: one.manifest }));
    const rules = { mirrors: [`http://${empty.host}/`, `http://${good.host}`] };
    const asked: string[] = [];
    const loginFor = async (host: string) => void asked.push(host) as undefined;
    assert.equal(await client(t, { rules, loginFor }).digest(parseReference('app:1'), never), one.manifest.digest);
    assert.deepEqual([...empty.lines(), ...good.lines()], Array(2).fill('HEAD /v2/library/app/manifests/1'));
    assert.deepEqual(asked, []);
  });

  test('are not asked for other registries', async (t) => {
    const mirror = await scripted(t, serving({}));
    const own = await scripted(t, serving({ 1: one.manifest }));
    const rules = { mirrors: [`http://${mirror.host}`] };
    assert.equal(await client(t, { rules }).digest(parseReference(`${own.host}/app:1`), never), one.manifest.digest);
    assert.deepEqual(mirror.lines(), []);
  });

  test('of any registry can be named in swapctl.yml', async (t) => {
    const mirror = await scripted(t, serving({ 1: one.manifest }));
    const own = await scripted(t, serving({}));
    const here = { insecure: false, ca: undefined, mirrors: [`http://${mirror.host}/`] };
    const rules = { hosts: { [own.host]: here } };
    assert.equal(await client(t, { rules }).digest(parseReference(`${own.host}/app:1`), never), one.manifest.digest);
    assert.deepEqual(own.lines(), []);
  });
});

test('a proxy is used for what is elsewhere, and never for this machine', async (t) => {
  const wanted: string[] = [];
  const proxy = createServer((request, response) => {
    wanted.push(`${request.method} ${request.url}`);
    serving({ 1: one.manifest })(
      { method: request.method ?? '', path: request.url ?? '', headers: {}, body: '' },
      response,
    );
  });
  proxy.on('connect', (request, socket) => {
    wanted.push(`CONNECT ${request.url}`);
    socket.end('HTTP/1.1 502 no\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  await new Promise((resolve) => proxy.once('listening', resolve));
  t.after(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const env = { HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: 'skipped.invalid' };
  const rules = { insecure: ['plain.invalid'] };
  const asking = client(t, { env, rules });
  await assert.rejects(asking.digest(parseReference('secure.invalid/app:1'), never), { code: 'registry-unreachable' });
  assert.equal(await asking.digest(parseReference('plain.invalid/app:1'), never), one.manifest.digest);
  await assert.rejects(asking.digest(parseReference('skipped.invalid/app:1'), never), { code: 'registry-unreachable' });
  const own = await scripted(t, serving({ 1: one.manifest }));
  assert.equal(await asking.digest(parseReference(`${own.host}/app:1`), never), one.manifest.digest);
  assert.deepEqual(wanted, ['CONNECT secure.invalid:443', 'HEAD http://plain.invalid/v2/app/manifests/1']);
});

suite('a registry that is not inside', () => {
  // Its name does not resolve, so it is at no inner address; its redirect is.
  const isActive = async (t: TestContext, host: string) => {
    const dial = openDial(readSettings({ mirrors: [], insecure: [] }, '/nowhere'), {});
    t.after(() => dial.close());
    const url = new URL(`http://${host}/token`);
    return openHttp(
      dial,
      systemClock(),
    )({ method: 'GET', url, registry: 'registry.invalid', headers: {}, limit: 10, signal: never });
  };

  for (const name of ['127.0.0.1', 'localhost'])
    test(`can't lead to ${name}`, async (t) => {
      const { host, lines } = await scripted(t, (_, response) => void response.end());
      const error = await isActive(t, host.replace('127.0.0.1', name)).catch((raised) => raised);
      assert.equal(error.code, 'bad-answer');
      assert.match(error.message, /at a private address while the registry is not/);
      assert.deepEqual(lines(), []);
    });

  test('inner addresses are known, in all their spellings', () => {
    const inner = ['10.1.2.3', '127.0.0.1', '169.254.169.254', '172.31.0.1', '192.168.0.1', '100.100.0.1', '0.0.0.0'];
    for (const address of [...inner, '::1', '::', 'fe80::1', 'fd00:ec2::254', '::ffff:127.0.0.1', '::ffff:a9fe:a9fe'])
      assert.equal(isInnerAddress(address), true, address);
    for (const address of ['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1', 'example.com'])
      assert.equal(isInnerAddress(address), false, address);
  });
});

test('Retry-After is seconds or a date, and nothing else', () => {
  const now = Date.UTC(2026, 0, 1);
  assert.equal(retryAfterMs('120', now), 120_000);
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000);
  assert.equal(retryAfterMs('Thu, 01 Jan 2015 00:00:30 GMT', now), 0);
  for (const none of [undefined, '', 'soon', '-1', '1e9', '99999999999'])
    assert.equal(retryAfterMs(none, now), undefined);
});

test('connections end when the client is closed', async (t) => {
  const { host } = await scripted(t, serving({ 1: one.manifest }));
  const asking = client(t);
  await asking.digest(parseReference(`${host}/app:1`), never);
  asking.close();
  await assert.rejects(asking.digest(parseReference(`${host}/app:1`), never));
  const [address, port] = host.split(':');
  await new Promise((resolve, reject) =>
    connect(Number(port), address).once('connect', resolve).once('error', reject).unref(),
  );
});

test('a login never goes out in clear text for a registry that has TLS', { skip: noRegistry }, async (t) => {
  const address = ownAddress();
  if (!address) return t.skip('this machine has no address but its loopback');
  const registry = await startRegistry({ tls: true, login: 'token', address });
  t.after(() => registry.stop());
  const { digest } = await pushImage(registry, 'app:1', 'first');
  const loginFor = async () => registry.login && { ...registry.login, serveraddress: registry.host };
  const certs = certsOf(t, registry.host, registry.caFile ?? '');
  const refused = client(t, { certs, loginFor }).digest(parseReference(`${registry.host}/app:1`), never);
  await assert.rejects(refused, { code: 'bad-answer', message: /in clear text; that is not done/ });
  const rules = { insecure: [registry.host] };
  assert.equal(await client(t, { rules, loginFor }).digest(parseReference(`${registry.host}/app:1`), never), digest);
});
