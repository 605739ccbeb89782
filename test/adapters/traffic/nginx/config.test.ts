import assert from 'node:assert/strict';
import test from 'node:test';
import { directivesOf, parseNginx, timeOf } from '../../../../src/adapters/traffic/nginx/config.ts';
import { factsOf } from '../../../../src/adapters/traffic/nginx/facts.ts';
import { fileOfRoute, findNginx } from '../../../../src/adapters/traffic/nginx/find.ts';
import { fakeAccess } from '../fake-access.ts';

const signal = new AbortController().signal;
const CONF = '/etc/nginx/nginx.conf';
const TITLE = 'nginx: master process nginx -g daemon off;';

const found = (files: Record<string, string>, title = TITLE) => findNginx(fakeAccess({ title, files }), signal);

test('quotes, comments, variables and blocks are parsed', () => {
  const text = `a "b;c" 'd}' # no {\nm { x \${y} "\\""; }`;
  const [first, block] = parseNginx(text);
  assert.deepEqual(first?.words, ['a', 'b;c', 'd}', 'm']);
  assert.deepEqual(first?.inside?.[0]?.words, ['x', `\${y}`, '\\"']);
  assert.equal(block, undefined);
});

test('included files are read, by name and by pattern', async () => {
  const files = {
    [CONF]: 'http { include conf.d/*.conf; include mime.types; include none.conf; }',
    '/etc/nginx/conf.d/web.conf': 'upstream web { zone web 64k; include swapctl/web.servers*; }',
    '/etc/nginx/conf.d/web.conf.old': 'upstream old { }',
    '/etc/nginx/conf.d/.hidden.conf': 'upstream hidden { }',
    '/etc/nginx/swapctl/web.servers': 'server web:8080;',
  };
  const nginx = await found(files);
  assert.deepEqual(
    directivesOf(nginx.config, 'upstream').map(({ words }) => words[1]),
    ['web'],
  );
  assert.equal(fileOfRoute(nginx, 'web'), '/etc/nginx/swapctl/web.servers');
  assert.equal(fileOfRoute(nginx, 'api'), undefined);
});

test('files that include each other end', async () => {
  const nginx = await found({ [CONF]: 'include a.conf;', '/etc/nginx/a.conf': 'include a.conf;' });
  assert.ok(directivesOf(nginx.config, 'include').length > 1);
});

test('an upstream without the file, or with servers beside it, is refused', async () => {
  const include = 'include swapctl/web.servers;';
  const wrong = [
    ['http { upstream web { server web:8080; } }', /does not include a file web.servers/],
    [`http { upstream web { server web:8080; ${include} } }`, /server lines of its own/],
  ] as const;
  for (const [text, message] of wrong) {
    const nginx = await found({ [CONF]: text, '/etc/nginx/swapctl/web.servers': 'server web:8080;' });
    assert.throws(() => fileOfRoute(nginx, 'web'), { code: 'proxy-config', message });
  }
});

test('the configuration is found by the title of the master process', async () => {
  const title = 'nginx: master process /usr/sbin/nginx -p /srv/ -c conf/n.conf -g daemon off; user root;';
  const { argv, file } = await found({ '/srv/conf/n.conf': '' }, title);
  assert.equal(file, '/srv/conf/n.conf');
  assert.deepEqual(argv, ['/usr/sbin/nginx', '-p', '/srv/', '-c', 'conf/n.conf', '-g', 'daemon off; user root;']);
  await assert.rejects(found({}, title), { code: 'proxy-config' });
  await assert.rejects(found({ [CONF]: '' }, 'nginx -g master_process off;'), { code: 'proxy-config' });
});

test('times are read as nginx reads them', () => {
  assert.deepEqual(['65', '1m30s', '500ms', '1h', 'x', undefined, '5q'].map(timeOf), [
    65_000,
    90_000,
    500,
    3_600_000,
    undefined,
    undefined,
    undefined,
  ]);
});

const KEEPS: [string, string, boolean][] = [
  ['1.27.4', 'keepalive_min_timeout 75s;', true],
  ['1.27.4', 'keepalive_timeout 10s; keepalive_min_timeout 10s;', true],
  ['1.30.6', 'keepalive_timeout 65s; keepalive_min_timeout 60s;', false],
  ['1.30.6', 'keepalive_min_timeout 60s;', false],
  ['1.30.6', '', false],
  ['1.27.3', 'keepalive_min_timeout 75s;', false],
  ['1.22.1', '', false],
];
for (const [version, text, keeps] of KEEPS)
  test(`nginx ${version} with "${text}" ${keeps ? 'keeps' : 'closes'} idle connections`, () => {
    const { keepsIdleClients, warnings } = factsOf(version, parseNginx(`http { ${text} }`));
    assert.equal(keepsIdleClients, keeps);
    assert.equal(
      warnings.some((warning) => warning.includes('closes idle client connections')),
      !keeps,
    );
  });

test('streams are cut where workers have a time to leave', () => {
  const { keepsStreams, warnings } = factsOf('1.30.6', parseNginx('worker_shutdown_timeout 10m;'));
  assert.equal(keepsStreams, false);
  assert.match(warnings.at(-1) ?? '', /are cut 600 s after a change/);
  assert.equal(factsOf('1.30.6', []).keepsStreams, true);
});
