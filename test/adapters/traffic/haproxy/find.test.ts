import assert from 'node:assert/strict';
import test from 'node:test';
import { findHaproxy } from '../../../../src/adapters/traffic/haproxy/find.ts';
import { fakeAccess } from '../fake-access.ts';

const signal = new AbortController().signal;
const title = 'haproxy -W -db -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d';

test('the socket is found in the files and folders of the command line', async () => {
  const files = {
    '/etc/haproxy/haproxy.cfg': 'global\n stats socket /run/user.sock\n',
    '/etc/haproxy/conf.d/2.cfg': 'backend web\n server web web:8080\n',
    '/etc/haproxy/conf.d/1.cfg': 'global\n stats socket unix@/run/admin.sock level admin\n',
    '/etc/haproxy/conf.d/note.txt': 'backend no\n',
  };
  const { socket, config, arguments: named } = await findHaproxy(fakeAccess({ title, files }), signal);
  assert.deepEqual(socket, { path: '/run/admin.sock' });
  assert.deepEqual([...config.backends.keys()], ['web']);
  assert.deepEqual(named, ['-f', '/etc/haproxy/haproxy.cfg', '-f', '/etc/haproxy/conf.d']);
});

const SOCKETS: [string, object][] = [
  ['127.0.0.1:9999', { host: '127.0.0.1', port: 9999 }],
  ['ipv4@*:9999', { host: '127.0.0.1', port: 9999 }],
  [':9999', { host: '127.0.0.1', port: 9999 }],
  ['ipv6@[::1]:9999', { host: '::1', port: 9999 }],
];
for (const [written, expected] of SOCKETS)
  test(`the socket ${written} is spoken to`, async () => {
    const files = { '/etc/haproxy/haproxy.cfg': `global\n stats socket ${written} level admin\n` };
    assert.deepEqual((await findHaproxy(fakeAccess({ title: 'haproxy -D', files }), signal)).socket, expected);
  });

const WRONG: [string, string, RegExp][] = [
  ['no socket', 'global\n', /has no stats socket/],
  [
    'no socket with the level admin',
    'global\n stats socket /run/a.sock level operator\n',
    /no stats socket .* level admin/,
  ],
  ['a socket out of reach', 'global\n stats socket abns@x level admin\n', /can't use .* abns@x/],
];
for (const [what, text, message] of WRONG)
  test(`${what}: the configuration is refused, with a line that helps`, async () => {
    const access = fakeAccess({ title, files: { '/etc/haproxy/haproxy.cfg': text } });
    await assert.rejects(findHaproxy(access, signal), (error: Error & { code?: string; hint?: string }) => {
      assert.equal(error.code, 'proxy-config');
      assert.match(error.message, message);
      assert.match(error.hint ?? '', /stats socket \/run\/haproxy\/admin.sock mode 660 level admin/);
      return true;
    });
  });
