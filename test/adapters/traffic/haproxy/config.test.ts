import assert from 'node:assert/strict';
import test from 'node:test';
import { parseConfig } from '../../../../src/adapters/traffic/haproxy/config.ts';
import { isCommandWord, optionsOfAdded } from '../../../../src/adapters/traffic/haproxy/options.ts';

test('sockets are found with their level', () => {
  const { sockets, hasSocket } = parseConfig([
    'global\n  stats socket /run/a.sock mode 600\n  stats socket "/run/b c.sock" level admin # the one\n',
    'global\n  stats socket ipv4@127.0.0.1:9999 expose-fd listeners level admin\nfrontend f\n  stats socket /no level admin\n',
  ]);
  assert.deepEqual(sockets, ['/run/b c.sock', 'ipv4@127.0.0.1:9999']);
  assert.ok(hasSocket);
  assert.deepEqual(parseConfig(['global\n  stats socket /run/a.sock\n']), {
    sockets: [],
    hasSocket: true,
    backends: new Map(),
  });
});

test('servers are found with the options of default-server before their own', () => {
  const text = `defaults
  default-server inter 3s maxconn 100
backend web
  default-server ssl verify none
  # server not 1.2.3.4:5
  server web web:8080 check send-proxy
  server six [2001:db8::1]:80 weight 5
  server-template swapctl 1-2 127.0.0.1:1 disabled
defaults
listen api
  bind :81
  server api ipv4@10.0.0.1
backend empty
`;
  const { backends } = parseConfig([text]);
  assert.deepEqual([...backends.keys()], ['web', 'api', 'empty']);
  const shared = ['inter', '3s', 'maxconn', '100', 'ssl', 'verify', 'none'];
  assert.deepEqual(backends.get('web'), [
    { name: 'web', host: 'web', port: 8080, options: [...shared, 'check', 'send-proxy'] },
    { name: 'six', host: '2001:db8::1', port: 80, options: [...shared, 'weight', '5'] },
    { name: 'swapctl1', host: '127.0.0.1', port: 1, options: [...shared, 'disabled'] },
    { name: 'swapctl2', host: '127.0.0.1', port: 1, options: [...shared, 'disabled'] },
  ]);
  assert.deepEqual(backends.get('api'), [{ name: 'api', host: '10.0.0.1', port: undefined, options: [] }]);
});

test('an added server is asked in the same way as that of the configuration', () => {
  const own = 'check inter 2s resolvers docker init-addr libc,none weight 7 ssl verify none send-proxy-v2 maxconn 5';
  assert.deepEqual(optionsOfAdded(own.split(' ')), ['ssl', 'verify', 'none', 'send-proxy-v2', 'maxconn', '5']);
});

test('a word with which a command would end is no word of a command', () => {
  for (const word of ['a;b', 'a b', 'a\nb', '', 'a"b', "a'b", 'a#b', '<<'])
    assert.equal(isCommandWord(word), false, JSON.stringify(word));
  assert.ok(isCommandWord('req.hdr(host)'));
});
