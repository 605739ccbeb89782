// The sections `hosts` and `groups` of swapctl.yml: their mistakes, values, and output.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { checkConfig, openConfig, schemaOfConfig, showConfig } from '../../../src/adapters/config/open.ts';
import { cronSchedules } from '../../../src/adapters/host/schedules.ts';
import { hostGroup } from '../../../src/core/inventory/inventory.ts';

const schedules = cronSchedules();
let folder = '';

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-config-inventory-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function at(text: string) {
  writeFileSync(path.join(folder, 'some.yml'), text);
  return { file: 'some.yml', env: {}, folder };
}

async function mistakes(text: string): Promise<string[]> {
  const { mistakes: found } = await checkConfig(at(text), schedules);
  return found.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

const HOSTS = 'hosts:\n  web1: ssh://deploy@web1\n  web2: { context: web2 }\n  web3: tcp://10.0.0.3:2376\n';
const ALLOWED = 'allowed: unix:///path/to/docker.sock, tcp://host:port, ssh://user@host:port';

suite('mistakes', () => {
  const table: [string, string, string[]][] = [
    ['none', `${HOSTS}groups: { web: { hosts: [web1, web2] }, all: { hosts: [web, web3], canary: web2 } }`, []],
    [
      'an address that is none',
      'hosts: { web1: "http://web1" }',
      [`1:16 the engine's address given by this line begins with http://; docker writes tcp://; ${ALLOWED}`],
    ],
    ['an empty address', 'hosts: { web1: "" }', ['1:16 this address is empty']],
    ['neither url nor context', 'hosts: { web1: {} }', ['1:10 the host web1 needs url or context']],
    [
      'url and context',
      'hosts: { web1: { url: ssh://a, context: b } }',
      ['1:10 the host web1 has url and context; give one of them'],
    ],
    [
      'an unknown key of a host',
      'hosts: { web1: { contxt: a } }',
      ['1:10 the host web1 needs url or context', '1:18 "contxt" is not a key of a host; did you mean context?'],
    ],
    [
      'TLS for ssh',
      'hosts: { web1: { url: ssh://a, tls: { ca: ca.pem } } }',
      ['1:10 the host web1: tls needs a tcp:// url'],
    ],
    [
      'a certificate without its key',
      'hosts: { web1: { url: tcp://a, tls: { ca: ca.pem, cert: c.pem } } }',
      ['1:10 the host web1: tls needs both cert and key'],
    ],
    [
      'a name that is a number',
      'hosts: { "1": ssh://a }',
      [
        '1:10 "1" cannot be the name of a host; begin with a letter, and use letters, digits, dots, dashes and underscores, at most 63',
      ],
    ],
    [
      'an unknown host',
      `${HOSTS}groups: { web: { hosts: [web1, wbe2] } }`,
      ['5:32 there is no host or group "wbe2"; did you mean web2?'],
    ],
    [
      'a host twice, through a group',
      `${HOSTS}groups: { web: { hosts: [web1] }, all: { hosts: [web2, web, web1] } }`,
      ['5:49 the host web1 is in the group all more than once'],
    ],
    [
      'groups in a circle',
      `${HOSTS}groups: { a: { hosts: [b] }, b: { hosts: [a] } }`,
      ['5:23 the group a contains itself: a → b → a', '5:42 the group b contains itself: b → a → b'],
    ],
    ['a group without hosts', `${HOSTS}groups: { a: { hosts: [] } }`, ['5:23 the group a has no hosts']],
    [
      'a group with the name of a host',
      `${HOSTS}groups: { web1: { hosts: [web2] } }`,
      ['5:11 web1 is the name of a host, too; rename the group'],
    ],
    [
      'a canary from elsewhere',
      `${HOSTS}groups: { web: { hosts: [web1, web2], canary: web3 } }`,
      ['5:47 the canary "web3" is not a host of the group web; its hosts are: web1, web2'],
    ],
    [
      'wrong values',
      `${HOSTS}groups: { web: { hosts: [web1], bake: soon, at-once: 0, on-failure: stop } }`,
      [
        '5:39 bake: "soon" is no duration up to 365d; write it like 500ms, 30s, 1m30s, 2h or 7d',
        '5:54 at-once has to be from 1 to 99',
        '5:69 on-failure has to be one of: halt, back',
      ],
    ],
    [
      'a hook that is none, with its secret hidden',
      `${HOSTS}groups: { web: { hosts: [web1], before-host: 'call ftp://user:secret@lb' } }`,
      [
        '5:46 before-host: "call ftp://…@lb" is not a hook of a host; write call URL, or run PROGRAM ARGUMENTS; separate several by semicolons',
      ],
    ],
  ];
  for (const [what, text, expected] of table) test(what, async () => assert.deepEqual(await mistakes(text), expected));
});

const FULL = `hosts:
  web1: ssh://deploy@web1
  web2: { url: tcp://10.0.0.2:2376, tls: { ca: ca.pem, cert: cert.pem, key: key.pem } }
  web3: { context: there }
groups:
  web:
    hosts: [web3, web1, web2]
    canary: web2
    bake: 10m
    at-once: 2
    on-failure: back
    before-host: run /usr/local/bin/lb drain; call http://lb.example.org/drain?key=secret
    after-host: [run /usr/local/bin/lb add]
`;

test('a group has its canary first, and locks in the order of the hosts', async () => {
  const { inventory } = (await openConfig(at(FULL), schedules))();
  const { hosts, lockOrder, canary, bakeMs, atOnce, onFailure, afterHost } = hostGroup(inventory, 'web');
  assert.deepEqual(hosts, ['web2', 'web3', 'web1']);
  assert.deepEqual(lockOrder, ['web1', 'web2', 'web3']);
  assert.deepEqual([canary, bakeMs, atOnce, onFailure], ['web2', 600_000, 2, 'back']);
  assert.deepEqual(afterHost, [{ kind: 'run', program: '/usr/local/bin/lb', args: ['add'] }]);
  assert.deepEqual(inventory.hosts.web2, {
    kind: 'url',
    url: 'tcp://10.0.0.2:2376',
    tls: { ca: path.join(folder, 'ca.pem'), cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') },
  });
});

test('a host alone is a group of one', async () => {
  const { inventory } = (await openConfig(at(FULL), schedules))();
  const { hosts, bakeMs, onFailure } = hostGroup(inventory, 'web3');
  assert.deepEqual([hosts, bakeMs, onFailure], [['web3'], 0, 'halt']);
});

test('an unknown name is an error with a suggestion', async () => {
  const { inventory } = (await openConfig(at(FULL), schedules))();
  assert.throws(() => hostGroup(inventory, 'wep3'), /swapctl\.yml has no host or group "wep3"/);
  const none = (await openConfig({ file: undefined, env: {}, folder }, schedules))();
  assert.throws(() => hostGroup(none.inventory, 'web'), /swapctl\.yml has no hosts/);
});

test('config show prints both sections without secrets', async () => {
  const { lines } = await showConfig(at(FULL), schedules);
  const text = lines.join('\n');
  assert.match(text, /web1: ssh:\/\/deploy@web1/);
  assert.match(text, /bake: 600s/);
  assert.doesNotMatch(text, /secret/);
});

test('config check notes TLS files that are not there', async () => {
  const { notes } = await checkConfig(at(FULL), schedules);
  assert.deepEqual(
    notes.map((note) => note.split(':')[0]),
    ['hosts, web2, tls, ca', 'hosts, web2, tls, cert', 'hosts, web2, tls, key'],
  );
});

test('the JSON schema knows hosts and groups', async () => {
  const { properties } = (await schemaOfConfig()) as { properties: Record<string, { description: string }> };
  assert.equal(properties.groups?.description, 'groups of hosts for --on, by name');
  assert.ok(properties.hosts);
});
