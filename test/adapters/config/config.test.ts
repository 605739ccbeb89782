import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Lookup } from '../../../src/adapters/config/find.ts';
import {
  checkConfig,
  openConfig,
  openReloadable,
  schemaOfConfig,
  showConfig,
} from '../../../src/adapters/config/open.ts';
import { cronSchedules } from '../../../src/adapters/host/schedules.ts';
import { SwapError } from '../../../src/core/model/error.ts';
import { settingsFor } from '../../../src/core/settings/config.ts';
import { POLICY_LABELS } from '../../../src/core/settings/read.ts';
import type { Secret } from '../../../src/core/settings/secret.ts';
import { SETTINGS } from '../../../src/core/settings/table.ts';
import { explainedOf, policyOf } from '../../core/own.ts';

const schedules = cronSchedules();
let folder = '';

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-config-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** A lookup that finds a file with this text. */
function at(text: string, env: Lookup['env'] = {}): Lookup {
  writeFileSync(path.join(folder, 'some.yml'), text);
  return { file: 'some.yml', env, folder };
}

async function mistakes(text: string): Promise<string[]> {
  const { mistakes } = await checkConfig(at(text), schedules);
  return mistakes.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

async function raised(work: Promise<unknown>): Promise<SwapError> {
  const error = await work.then(
    () => assert.fail('nothing was raised'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SwapError);
  return error;
}

suite('the file', () => {
  const place = (name: string, text: string): string => {
    const full = path.join(folder, name);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, text);
    return full;
  };
  const pathOf = async (lookup: Lookup): Promise<string | undefined> => (await checkConfig(lookup, schedules)).path;

  test('is that of --config, then of SWAPCTL_CONFIG, then the one of the current folder', async () => {
    const flag = place('flag.yml', '');
    const env = { SWAPCTL_CONFIG: place('env.yml', '') };
    const here = path.dirname(place('here/swapctl.yml', ''));
    assert.equal(await pathOf({ file: flag, env, folder: here }), flag);
    assert.equal(await pathOf({ file: undefined, env, folder: here }), env.SWAPCTL_CONFIG);
    assert.equal(await pathOf({ file: undefined, env: { SWAPCTL_CONFIG: '' }, folder: here }), 'swapctl.yml');
  });

  test('has to be there if it is named', async () => {
    const error = await raised(openConfig({ file: 'nope.yml', env: {}, folder }, schedules));
    assert.deepEqual(
      [error.code, error.message, error.hint],
      ['config', 'there is no file nope.yml', '--config names it'],
    );
    const other = await raised(
      openConfig({ file: undefined, env: { SWAPCTL_CONFIG: '/nope.yml' }, folder }, schedules),
    );
    assert.deepEqual([other.message, other.hint], ['there is no file /nope.yml', 'SWAPCTL_CONFIG names it']);
  });

  test('has to be readable, even where nobody names it', async () => {
    const inside = path.join(folder, 'odd');
    mkdirSync(path.join(inside, 'swapctl.yml'), { recursive: true });
    const error = await raised(openConfig({ file: undefined, env: {}, folder: inside }, schedules));
    assert.match(error.message, /^swapctl\.yml can't be read: it is a folder, not a regular file/);
  });

  test('that is wrong is told when somebody asks what it says, with its first mistake', async () => {
    const config = await openConfig(at('defaults:\n  keep: x\n  settl: 1s\n'), schedules);
    assert.throws(config, (error: SwapError) => {
      assert.equal(error.code, 'config');
      assert.match(error.message, /^some\.yml:2:9: keep: "x" is no count.* \(and 1 more\)$/);
      assert.match(error.hint ?? '', /swapctl config check/);
      return true;
    });
  });

  test('may be empty, a comment, or have sections without anything in them', async () => {
    const empty = 'defaults:\n# settle: 3s\nservices:\n  web:\nregistries:\nnotifications:\n';
    for (const text of ['', '# nothing\n', '{}', empty]) assert.deepEqual(await mistakes(text), [], text);
  });
});

test('a file that is read again counts, unless something is wrong with it', async () => {
  const lookup = at('defaults:\n  keep: 2\n');
  const { config, reloadConfig } = await openReloadable(lookup, schedules);
  const keep = (): string | undefined => config().defaults.keep?.value;
  at('defaults:\n  keep: x\n');
  assert.match((await raised(reloadConfig())).message, /:2:/);
  assert.equal(keep(), '2');
  at('defaults:\n  keep: 3\n');
  assert.equal(keep(), '2');
  await reloadConfig();
  assert.equal(keep(), '3');
});

suite('mistakes have their places', () => {
  const table: [string, string, string[]][] = [
    ['an unknown section', 'default: {}', ['1:1 "default" is not a section; did you mean defaults?']],
    [
      'a setting in an unknown place',
      'settle: 3s',
      [
        '1:1 "settle" is not a section; known are: defaults, services, registries, notifications, notify, max-rolls-at-once, hosts, groups, server, hooks',
      ],
    ],
    [
      'an unknown setting',
      'defaults:\n  settel: 3s',
      ['2:3 "settel" is not a setting for all services; did you mean settle?'],
    ],
    ['half a setting', 'services:\n  web: { dev: sync }', ['2:10 "dev" is not a setting; did you mean dev.watch?']],
    [
      'a wrong value',
      'services:\n  web:\n    rehearsal: yes',
      ['3:16 rehearsal: "yes" is not allowed; use one of: true, false'],
    ],
    [
      'a quoted one',
      'services:\n  "web":\n    "keep":   "x"',
      ['3:15 keep: "x" is no count; give a number from 0 to 99'],
    ],
    ['no value', 'services:\n  web:\n    keep:\n', ['3:5 keep is empty; give a value, or take the line out']],
    ['a list for a value', 'services:\n  web:\n    keep: [1]', ['3:11 keep has to be a single value']],
    [
      'an odd item of a list',
      'services:\n  web:\n    depends-on: [a, {}]',
      ['3:17 depends-on has to be text, or a list of texts'],
    ],
    ['a list for a service', 'services:\n  web:\n  - keep', ['3:3 web has to be a mapping (key: value)']],
    ['no list of notifications', 'notifications: slack', ['1:16 notifications has to be a list']],
    ['text for the file', 'hello', ['1:1 this has to be a mapping (key: value)']],
    [
      'two settings of one thing',
      'defaults:\n  health.cmd: a\n  health.tcp: 1',
      ['3:3 only one of health.cmd and health.tcp can be given'],
    ],
    [
      'a cron expression that is none',
      'defaults:\n  schedule: 61 * * * *',
      [
        '2:13 schedule: "61 * * * *" is no cron expression: Invalid value for minute: 61; its five fields are minute, hour, day of the month, month, day of the week: 0 4 * * 1-5',
      ],
    ],
    ['one that never comes due', 'defaults:\n  schedule: 0 0 30 2 *', ['2:13 schedule: "0 0 30 2 *" never comes due']],
    [
      'an alias without an anchor',
      'defaults:\n  schedule: *x',
      ['2:14 unidentified alias "x"; a value that begins with * has to stand in quotes'],
    ],
    ['bad YAML', 'defaults:\n  keep: 1\n keep: 2', ['3:2 bad indentation of a mapping entry']],
    ['a key that comes twice', 'defaults:\n  keep: 1\n  keep: 2', ['3:3 duplicated mapping key']],
    ['several documents', 'defaults: {}\n---\n{}', ['1:1 there are several documents; only one is read']],
    [
      'line ends of Windows',
      'defaults:\r\n  keep: 1\r\n  settel: 2',
      ['3:3 "settel" is not a setting for all services; did you mean settle?'],
    ],
    [
      'what an alias stands for',
      'services:\n  a: &a { keep: x }\n  b: *a',
      [
        '2:17 keep: "x" is no count; give a number from 0 to 99',
        '3:6 keep: "x" is no count; give a number from 0 to 99',
      ],
    ],
    [
      'what was merged in',
      'services:\n  a: &a { settle: 1s }\n  b:\n    <<: *a\n    kep: 1',
      ['5:5 "kep" is not a setting; did you mean keep?'],
    ],
    [
      'a registry with a scheme',
      'registries:\n  https://r.example.org: {}',
      ['2:3 "https://r.example.org" is no host of a registry; write it like registry.example.org:5000'],
    ],
    [
      'a mirror that is no URL',
      'registries:\n  r.example.org:\n    mirrors: [m.example.org]\n    insecure: 1',
      ['3:15 this is no URL; write it like https://mirror.example.org', '4:15 insecure has to be true or false'],
    ],
    ['an unknown occasion', 'notify: often', ['1:9 notify has to be one of: changes, failures, always']],
    [
      'a template that names what is unknown',
      'notifications:\n  - { kind: webhook, url: x, template: "{{sumary}}" }',
      ['2:40 {{…}} knows no "sumary"; did you mean summary?'],
    ],
    [
      'a template that is no JSON',
      `notifications:\n  - { kind: webhook, url: x, template: '{"text": {{title}}}' }`,
      [
        '2:40 the template begins like JSON, but is none; {{json}} stands for a whole value, all others inside of "strings"',
      ],
    ],
    ['too many at once', 'max-rolls-at-once: 100', ['1:20 max-rolls-at-once has to be from 1 to 99']],
    ['half a roll at once', 'max-rolls-at-once: 0.5', ['1:20 max-rolls-at-once has to be a whole number']],
    [
      'an unknown kind',
      'notifications:\n  - kind: slac',
      ['2:11 "slac" is no kind of notification; did you mean slack?'],
    ],
    [
      'no kind',
      'notifications:\n  - url: x',
      ['2:5 kind is missing; use one of: webhook, slack, discord, ntfy, gotify, telegram, email'],
    ],
    ['what is missing', 'notifications:\n  - kind: gotify\n    token-file: x', ['2:5 gotify needs url, or url-file']],
    [
      'what is there twice',
      'notifications:\n  - { kind: slack, url: x, url-file: y }',
      ['2:28 only one of url and url-file can be given'],
    ],
    [
      'what the kind does not take',
      'notifications:\n  - { kind: slack, url: x, chat: y }',
      ['2:28 "chat" is not a key of slack; known are: kind, url, url-file'],
    ],
  ];
  for (const [what, text, expected] of table) test(what, async () => assert.deepEqual(await mistakes(text), expected));

  test('all of them are told at once, in the order of the lines', async () => {
    const text =
      'max-rolls-at-once: x\nservices:\n  web: { kep: 1, settle: soon }\ndefaults:\n  schedule: 61 * * * *\nnotifications:\n  - kind: ntfy\n';
    const found = await mistakes(text);
    assert.deepEqual(
      found.map((line) => line.split(' ')[0]),
      ['1:20', '3:10', '3:26', '5:13', '7:5'],
    );
  });
});

const WHOLE = `defaults:
  settle: 30
  window: [Mon 02:00-05:00 UTC, Tue 02:00-05:00 UTC]
services:
  web: { keep: 2, depends-on: [db, cache] }
  shop/web: &shop { health.tcp: 80, enable: true }
  api:
    <<: *shop
    enable: false
registries:
  r.example.org:5000: { ca: certs/ca.pem, mirrors: ["https://me:pw@m.example.org"] }
notifications:
  - { kind: slack, url: "\${HOOK}" }
  - { kind: gotify, url: "https://user:pw@g.example.org/secret", token-file: token }
  - { kind: telegram, token: "1234:\${HALF}", chat: "42" }
max-rolls-at-once: 3
`;

suite('what the file says', () => {
  test('is there as labels would have it, with the line', async () => {
    const config = (await openConfig(at(WHOLE), schedules))();
    assert.deepEqual(config.defaults, {
      settle: { value: '30', where: 'some.yml:2' },
      window: { value: 'Mon 02:00-05:00 UTC;Tue 02:00-05:00 UTC', where: 'some.yml:3' },
    });
    assert.deepEqual(settingsFor(config, 'blog/web').service, {
      keep: { value: '2', where: 'some.yml:5' },
      'depends-on': { value: 'db,cache', where: 'some.yml:5' },
    });
    assert.deepEqual(Object.keys(settingsFor(config, 'shop/web').service), ['health.tcp', 'enable']);
    assert.equal(settingsFor(config, 'shop/api').service.enable?.value, 'false');
    assert.equal(settingsFor(config, 'shop/api').service['health.tcp']?.value, '80');
    assert.deepEqual(settingsFor(config, 'constructor').service, {});
    assert.equal(config.maxRollsAtOnce, 3);
    assert.deepEqual(config.registries['r.example.org:5000'], {
      insecure: false,
      ca: path.join(folder, 'certs/ca.pem'),
      mirrors: ['https://me:pw@m.example.org'],
    });
  });

  test('has its place among label and command line', async () => {
    const file = settingsFor((await openConfig(at(WHOLE), schedules))(), 'shop/web');
    const labels = { 'swapctl.health.cmd': 'true', 'swapctl.settle': '7s' };
    assert.equal(policyOf({}, {}, file).settleMs, 30_000);
    assert.equal(policyOf(labels, {}, file).settleMs, 7000);
    assert.equal(policyOf(labels, { settle: '8s' }, file).settleMs, 8000);
    // The label has another kind of check, so the file's does not count.
    assert.deepEqual(policyOf(labels, {}, file).probe, { kind: 'cmd', command: 'true' });
    const said = new Map(explainedOf(labels, { keep: '5' }, file).map(({ setting, ...rest }) => [setting, rest]));
    assert.deepEqual(said.get('keep'), { value: '5', source: 'flag', where: '--keep' });
    assert.deepEqual(said.get('settle'), { value: '7s', source: 'label', where: 'swapctl.settle' });
    assert.deepEqual(said.get('enable'), { value: 'true', source: 'file', where: 'some.yml:6' });
    assert.deepEqual(said.get('health.tcp'), { value: undefined, source: 'default', where: undefined });
    assert.deepEqual(said.get('strategy'), { value: 'auto', source: 'default', where: undefined });
  });

  test('shows no secret', async () => {
    const { lines, document } = await showConfig(at(WHOLE, { HOOK: 'https://hook.example.org/top-secret' }), schedules);
    const text = lines.join('\n');
    for (const secret of ['pw', 'secret', '1234', 'top']) assert.ok(!text.includes(secret), `${secret} in ${text}`);
    assert.deepEqual((document as { notifications: unknown }).notifications, [
      { kind: 'slack', url: `\${HOOK}` },
      { kind: 'gotify', url: 'https://g.example.org/…', token: '(in token)' },
      { kind: 'telegram', token: '…', chat: '42' },
    ]);
    assert.match(text, /mirrors:\n {6}- https:\/\/…@m\.example\.org$/m);
  });

  test('what it shows is right itself, where nothing was left out', async () => {
    const { lines } = await showConfig(at(WHOLE.replace(/notifications:[\s\S]*chat.*\n/, '')), schedules);
    assert.deepEqual(await mistakes(lines.join('\n')), []);
  });

  test('secrets are read when they are needed, from the environment and from files', async () => {
    const env: Record<string, string> = {};
    const { notifications } = (await openConfig(at(WHOLE, env), schedules))();
    const [slack, gotify, telegram] = notifications as unknown as Record<string, Secret>[];
    await assert.rejects(slack?.url?.read() ?? Promise.resolve(), /the variable HOOK is not set/);
    Object.assign(env, { HOOK: 'https://hook.example.org', HALF: 'abc' });
    writeFileSync(path.join(folder, 'token'), 'T\n');
    assert.equal(await slack?.url?.read(), 'https://hook.example.org');
    assert.equal(await gotify?.token?.read(), 'T');
    assert.equal(await telegram?.token?.read(), '1234:abc');
    rmSync(path.join(folder, 'token'));
  });

  test('what is not there now is noted, and no mistake', async () => {
    const { mistakes, notes } = await checkConfig(at(WHOLE), schedules);
    assert.deepEqual(mistakes, []);
    assert.deepEqual(
      notes.map((note) => note.replace(/: ENOENT.*| can't be read.*/, '')),
      [
        'notifications 1, slack, url: the variable HOOK is not set',
        'notifications 2, gotify, token: token',
        'notifications 3, telegram, token: the variable HALF is not set',
        'registries, r.example.org:5000, ca',
      ],
    );
  });
});

test('the JSON schema knows every setting, with what it is for', async () => {
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it expects to be there
  const { properties } = (await schemaOfConfig()) as any;
  const settings = properties.services.additionalProperties;
  assert.deepEqual(Object.keys(settings.properties), Object.keys(SETTINGS));
  assert.equal(settings.additionalProperties, false);
  assert.deepEqual(settings.properties.rehearsal, {
    type: 'boolean',
    description:
      'with stop-first, prove the new image in a second container before the old one stops, where that is possible (true or false; default: true)',
  });
  assert.deepEqual(settings.properties.strategy.enum, ['auto', 'start-first', 'stop-first', 'handover']);
  assert.deepEqual(
    properties.notifications.items.oneOf.map(
      (one: { properties: { kind: { const: string } } }) => one.properties.kind.const,
    ),
    ['webhook', 'slack', 'discord', 'ntfy', 'gotify', 'telegram', 'email'],
  );
});

suite('the reference of settings', () => {
  const reference = readFileSync(new URL('../../../docs/reference/settings.md', import.meta.url), 'utf8');

  test('has an example without a mistake', async () => {
    const example =
      /^## swapctl\.yml\n[\s\S]*?```yaml\n([\s\S]*?)```/m.exec(reference)?.[1] ?? assert.fail('there is none');
    assert.deepEqual(await mistakes(example), []);
  });

  test('lists every label, with its default', () => {
    const cells = reference.split('\n').flatMap((line) => (line.startsWith('| `swapctl.') ? [line.split('|')] : []));
    const rows = new Map(
      cells.map(([, label = '', , preset = '']) => [label.trim().replaceAll('`', ''), preset.trim()]),
    );
    assert.deepEqual([...rows.keys()].sort(), [...POLICY_LABELS].sort());
    for (const [key, { preset }] of Object.entries(SETTINGS))
      if (preset !== undefined) assert.equal(rows.get(`swapctl.${key}`), `\`${preset}\``);
  });
});
