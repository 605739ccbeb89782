import assert from 'node:assert/strict';
import test from 'node:test';
import type { Container } from '../../../src/core/model/container.ts';
import { type EngineRoute, whyRoute } from '../../../src/core/service/engine-route.ts';
import { container } from '../builders.ts';

const LOCAL: EngineRoute = { kind: 'tcp', host: 'localhost', port: 2375, addresses: ['127.0.0.1', '::1'] };
const NAMED: EngineRoute = { kind: 'tcp', host: 'socket-proxy', port: 2375, addresses: ['172.18.0.9'] };
const JUMP: EngineRoute = { kind: 'ssh', host: 'engine.example', port: 2222, addresses: ['203.0.113.5'] };
const SOCKET: EngineRoute = { kind: 'unix', path: '/run/proxy/docker.sock' };
const OWN_SOCKET: EngineRoute = { kind: 'unix', path: '/var/run/docker.sock' };

function publishes(hostIp: string, hostPort: number, protocol = 'tcp'): Partial<Container> {
  return { published: [{ containerPort: `2375/${protocol}`, hostIp, hostPort }] };
}

function mounts(...sources: string[]): Partial<Container> {
  const bind = (source: string) => ({ type: 'bind', name: '', source, target: source, driver: '', writable: true });
  return { mounts: sources.map(bind) };
}

const table: [string, Partial<Container>, EngineRoute, RegExp | undefined][] = [
  ['a socket proxy on every address', publishes('0.0.0.0', 2375), LOCAL, /publishes tcp:\/\/localhost:2375/],
  ['a socket proxy on the loopback address', publishes('127.0.0.1', 2375), LOCAL, /publishes/],
  ['a socket proxy on another address', publishes('192.0.2.7', 2375), LOCAL, undefined],
  ['another port', publishes('0.0.0.0', 8080), LOCAL, undefined],
  ['the same port of UDP', publishes('0.0.0.0', 2375, 'udp'), LOCAL, undefined],
  ['the address of a name', { networks: { net: { IPAddress: '172.18.0.9' } } }, NAMED, /its address is that of/],
  ['its neighbour', { networks: { net: { IPAddress: '172.18.0.8' } } }, NAMED, undefined],
  ['one without an address', { networks: { net: { IPAddress: '' } } }, { ...NAMED, addresses: [''] }, undefined],
  ['a jump host', publishes('', 2222), JUMP, /ssh:\/\/engine\.example:2222/],
  ['a proxy in a shared folder', mounts('/run/proxy', '/var/run/docker.sock'), SOCKET, /\/run\/proxy/],
  ['a folder without an engine', mounts('/run/proxy'), SOCKET, undefined],
  ['a monitor of the whole host', mounts('/var/run', '/var/run/docker.sock'), OWN_SOCKET, undefined],
  ['one that only uses the engine', mounts('/var/run/docker.sock'), OWN_SOCKET, undefined],
];
for (const [what, change, route, message] of table)
  test(`${what}: ${message ? 'the engine is reached through it' : 'is no way to the engine'}`, () => {
    const why = whyRoute(container(change), route);
    if (!message) return assert.equal(why, undefined);
    assert.match(why?.message ?? '', message);
    assert.match(why?.hint ?? '', /swapctl --host unix:\/\/\/var\/run\/docker\.sock roll web/);
  });
