// The rules as text, checked by the nft program of this machine.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import {
  endScript,
  type Ground,
  portRedirectScript,
  removeScript,
} from '../../../../src/adapters/traffic/nftables/rules.ts';
import type { Route } from '../../../../src/core/traffic/routes.ts';
import { missingRoot } from '../../../lab/missing.ts';

const GROUND: Ground = {
  table: 'swapctl-0123456789ab',
  bridges: ['docker0', 'br-1'],
  proxied: true,
  lifetimeMs: undefined,
  leaving: [],
};

function route(change: Partial<Route> = {}): Route {
  const target = { ip: '172.17.0.9', port: 8080, hostPort: 49153 };
  return { protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 80, target, ...change };
}

const LAYOUTS: Record<string, readonly Route[]> = {
  'any IPv4': [route()],
  'without an address': [route({ hostIp: '' })],
  'one address': [route({ hostIp: '192.0.2.2' })],
  'loopback only': [route({ hostIp: '127.0.0.1' })],
  'another loopback address': [route({ hostIp: '127.0.5.1' })],
  'any IPv6': [route({ hostIp: '::' })],
  'one IPv6 address': [route({ hostIp: 'fd00::2' })],
  'IPv6 loopback': [route({ hostIp: '::1' })],
  'both families': [route(), route({ hostIp: '::', target: { ip: '172.17.0.9', port: 8080, hostPort: 49154 } })],
  udp: [route({ protocol: 'udp', hostPort: 53 })],
  'tcp and udp of one number': [route({ hostPort: 53 }), route({ protocol: 'udp', hostPort: 53 })],
  'several ports': [9000, 9001, 9002].map((hostPort) => route({ hostPort })),
  'one port on several addresses': [
    route({ hostIp: '192.0.2.2' }),
    route({ hostIp: '127.0.0.1' }),
    route({ hostIp: '::1' }),
  ],
};
const GROUNDS: Record<string, Ground> = {
  lasting: GROUND,
  expiring: { ...GROUND, lifetimeMs: 33_000 },
  'without userland proxy': { ...GROUND, proxied: false },
  'without bridges': { ...GROUND, bridges: [] },
  'while a container leaves': { ...GROUND, leaving: ['172.17.0.2', '172.18.0.2'] },
};

const nft = (script: string) =>
  spawnSync('nft', ['-c', '-f', '-'], {
    input: script,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
const unable = missingRoot() || (nft('').status !== 0 && 'nft is missing, or not allowed');

for (const [ground, on] of Object.entries(GROUNDS)) {
  test(`nft accepts the rules for every layout, ${ground}`, { skip: unable }, () => {
    for (const [layout, routes] of Object.entries(LAYOUTS)) {
      const script = portRedirectScript(routes, on);
      const { status, stderr } = nft(script);
      assert.equal(status, 0, `${layout}: ${stderr}\n${script}`);
    }
  });
}

test('nft accepts the end of a port redirect, even if there is none', { skip: unable }, () => {
  const { status, stderr } = nft(endScript(GROUND.table, ['172.17.0.2']));
  assert.equal(status, 0, stderr);
});

test('at the end of a port redirect every port is dead, and the chains are still there', () => {
  const script = endScript(GROUND.table, GROUND.leaving);
  assert.doesNotMatch(script, /delete|elements|chain/);
  assert.deepEqual(script.match(/^flush .*$/gm), [
    `flush set inet ${GROUND.table} live_tcp`,
    `flush set inet ${GROUND.table} live_udp`,
    `flush set inet ${GROUND.table} leaving`,
  ]);
});

test('connections that are open are never rewritten: TCP is matched by its SYN', () => {
  for (const routes of Object.values(LAYOUTS)) {
    for (const rule of rules(portRedirectScript(routes, GROUND))) {
      if (rule.includes('tcp dport')) assert.ok(rule.includes('tcp flags & (fin | syn | rst | ack) == syn'), rule);
    }
  }
});

test('nft accepts the removal, whether there is something or not', { skip: unable }, () => {
  const { status, stderr } = nft(removeScript(GROUND.table));
  assert.equal(status, 0, stderr);
});

test('a new port redirect replaces the old one in the same transaction', () => {
  const script = portRedirectScript([route()], GROUND);
  assert.ok(script.startsWith(removeScript(GROUND.table).trimEnd()), script);
});

test('nothing but the own table is ever named', () => {
  for (const routes of Object.values(LAYOUTS)) {
    for (const script of [portRedirectScript(routes, GROUND), removeScript(GROUND.table)]) {
      assert.deepEqual([...new Set(script.match(/\btable .*?(?= ?\{?$)/gm))], [`table inet ${GROUND.table}`]);
      assert.doesNotMatch(script, /flush|reject/);
    }
  }
});

test('rules that expire say so for every port, and last at least as long as was asked for', () => {
  const script = portRedirectScript([route(), route({ hostPort: 81 }), route({ protocol: 'udp' })], {
    ...GROUND,
    lifetimeMs: 33_001,
  });
  assert.deepEqual(elements(script), ['80 timeout 34s, 81 timeout 34s', '80 timeout 34s']);
});

test('what is dropped is a SYN that a leaving container has not answered, and nothing else', () => {
  for (const routes of Object.values(LAYOUTS)) {
    for (const line of portRedirectScript(routes, GROUND).split('\n'))
      if (/\bdrop\b/.test(line))
        assert.match(line, /== syn ct state new ct status confirmed ct reply ip saddr @leaving drop$/);
  }
  const leaving = ['172.17.0.2', '172.17.0.2'];
  assert.match(
    portRedirectScript([route()], { ...GROUND, leaving }),
    /^add element inet \S+ leaving { 172\.17\.0\.2 timeout 30s }$/m,
  );
  assert.match(endScript(GROUND.table, leaving), /^add element inet \S+ leaving { 172\.17\.0\.2 timeout 30s }$/m);
});

test('rules that last have no timeout', () => {
  assert.deepEqual(elements(portRedirectScript([route()], GROUND)), ['80']);
});

test('every rule holds only while its port is alive', () => {
  for (const routes of Object.values(LAYOUTS)) {
    for (const rule of rules(portRedirectScript(routes, GROUND)))
      assert.match(rule, /dport (\d+) .*(tcp|udp) dport @live_\2/, rule);
  }
});

test('the rules come before those of the engine', () => {
  const hooks = portRedirectScript([route()], GROUND).match(/type nat hook \w+ priority \S+/g);
  assert.deepEqual(hooks, ['type nat hook prerouting priority -105;', 'type nat hook output priority -105;']);
});

test('loopback and containers take the proxy, all others go straight', () => {
  assert.deepEqual(rules(portRedirectScript([route()], GROUND)), [
    'iifname { "docker0", "br-1" } meta nfproto ipv4 fib daddr type local tcp dport 80 tcp flags & (fin | syn | rst | ack) == syn tcp dport @live_tcp redirect to :49153',
    'meta nfproto ipv4 fib daddr type local tcp dport 80 tcp flags & (fin | syn | rst | ack) == syn tcp dport @live_tcp dnat ip to 172.17.0.9:8080',
    'ip daddr 127.0.0.0/8 tcp dport 80 tcp flags & (fin | syn | rst | ack) == syn tcp dport @live_tcp redirect to :49153',
    'ip daddr != 127.0.0.0/8 meta nfproto ipv4 fib daddr type local tcp dport 80 tcp flags & (fin | syn | rst | ack) == syn tcp dport @live_tcp dnat ip to 172.17.0.9:8080',
  ]);
});

test('without the userland proxy everything goes straight', () => {
  for (const rule of rules(portRedirectScript([route()], { ...GROUND, proxied: false }))) {
    assert.ok(rule.endsWith('dnat ip to 172.17.0.9:8080'), rule);
  }
});

test('a port on one address is matched by that address alone', () => {
  for (const hostIp of ['192.0.2.2', '127.0.0.1', 'fd00::2', '::1']) {
    const found = rules(portRedirectScript([route({ hostIp })], GROUND));
    assert.ok(found.length > 0);
    for (const rule of found) assert.match(rule, new RegExp(`(^|} )ip6? daddr ${hostIp} `), rule);
  }
});

test('a port published only on loopback is not redirected for others', () => {
  const [pre, out] = portRedirectScript([route({ hostIp: '127.0.0.1' })], GROUND).split('hook output');
  assert.doesNotMatch(pre ?? '', /dport 80/);
  assert.match(out ?? '', /ip daddr 127\.0\.0\.1 tcp dport 80 .* dnat ip to 127\.0\.0\.1:49153/);
});

test('datagrams from near go to the proxy each by itself, untracked, and answers come from the port that was asked', () => {
  const script = portRedirectScript([route({ protocol: 'udp', hostPort: 53 })], GROUND);
  const lines = script.split('\n').map((line) => line.trim());
  assert.deepEqual(
    lines.filter((line) => line.includes('notrack')),
    [
      'iifname { "docker0", "br-1" } meta nfproto ipv4 fib daddr type local udp dport 53 udp dport @live_udp udp dport set 49153 notrack',
      'ip daddr 127.0.0.0/8 udp dport 53 udp dport @live_udp udp dport set 49153 notrack',
      'meta nfproto ipv4 udp sport 49153 udp sport set 53 notrack',
    ],
  );
  assert.equal(rules(script).filter((rule) => rule.includes('redirect')).length, 0);
  assert.equal(rules(script).filter((rule) => rule.endsWith('dnat ip to 172.17.0.9:8080')).length, 2);
});

test('IPv6 is answered by the proxy, or not at all', () => {
  for (const hostIp of ['::', 'fd00::2', '::1']) {
    assert.equal(rules(portRedirectScript([route({ hostIp })], { ...GROUND, proxied: false })).length, 0);
    for (const rule of rules(portRedirectScript([route({ hostIp })], GROUND))) assert.match(rule, /:49153$/);
  }
});

function elements(script: string): string[] {
  return [...script.matchAll(/^add element .* \{ (.*) \}$/gm)].map(([, list]) => list ?? '');
}

function rules(script: string): string[] {
  return script
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /\b(dnat|redirect)\b/.test(line));
}
