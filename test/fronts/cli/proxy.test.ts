import assert from 'node:assert/strict';
import test from 'node:test';
import { cli } from './fakes.ts';

test('proxy init prints what a proxy in a container needs', async () => {
  const { status, stdout } = await cli(['proxy', 'init', 'nginx:edge', '--route', 'shop', '--port', '3000']);
  assert.equal(status, 0);
  for (const line of ['  include swapctl/shop.servers;', 'server shop:3000;', '      swapctl.proxy: nginx:edge'])
    assert.ok(stdout.split('\n').includes(line), line);
});

test('proxy init prints what a proxy on the host needs, also as JSON', async () => {
  const { status, json } = await cli(['proxy', 'init', 'haproxy:host', '--json']);
  assert.equal(status, 0);
  const [part] = (json() as { parts: { file: string; lines: string[] }[] }).parts;
  assert.equal(part?.file, 'haproxy.cfg');
  assert.ok(part?.lines.includes('  server web 127.0.0.1:8080'));
});

test('proxy init refuses what is no driver, container, route or port', async () => {
  const wrong = [['squid:edge'], ['nginx:a b'], ['nginx:edge', '--route', 'a/b'], ['nginx:edge', '--port', '65536']];
  for (const args of wrong) {
    const { status, stdout, stderr } = await cli(['proxy', 'init', ...args]);
    assert.equal(status, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /^swapctl: |error/im);
  }
});
