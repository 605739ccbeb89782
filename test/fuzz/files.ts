// Files of users, repositories and docker.
import assert from 'node:assert/strict';
import path from 'node:path';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { ignoreOf } from '../../src/adapters/build/ignore.ts';
import { mistakesIn } from '../../src/adapters/config/mistakes.ts';
import { readConfig } from '../../src/adapters/config/read.ts';
import { readSource } from '../../src/adapters/config/source.ts';
import { readContext } from '../../src/adapters/docker/connect/contexts.ts';
import { parseDockerConfig } from '../../src/adapters/docker/credentials/config-file.ts';
import { openCredentials } from '../../src/adapters/docker/credentials/credentials.ts';
import { cronSchedules } from '../../src/adapters/host/schedules.ts';
import { redact } from '../../src/adapters/notify/redact.ts';
import { cacheReference, composeBuild, needsBuildx } from '../../src/core/build/build.ts';
import { composeRules } from '../../src/core/build/develop.ts';
import { inlineFiles } from '../../src/core/recreate/compose.ts';
import { composeHashLabel } from '../../src/core/recreate/compose-hash.ts';
import { summarizeRun } from '../../src/core/report/summary.ts';
import { fillTemplate, whyNoTemplate } from '../../src/core/text/template.ts';
import { readInputs } from '../../src/fronts/action/asked.ts';
import { inputsOf, singleLine } from '../../src/fronts/action/input.ts';
import { anyText } from '../lab/hostile.ts';
import { documents, jsonTexts, repeated, type Target, target, texts } from './target.ts';

const DOCKER = {
  auths: { 'ghcr.io': { auth: 'dTpw', identitytoken: 't', username: 'u', password: 'p' } },
  credHelpers: { 'x.example': 'pass' },
  currentContext: 'far',
};
const META = { Name: 'far', Metadata: {}, Endpoints: { docker: { Host: 'tcp://far:2376', SkipTLSVerify: false } } };
const SERVICE = {
  image: 'app:1',
  build: {
    context: '.',
    dockerfile: 'D',
    args: { A: 'b' },
    cache_from: ['type=registry,ref=x'],
    secrets: ['s'],
    target: 't',
  },
  develop: { watch: [{ action: 'sync', path: './src', target: '/app', ignore: ['x'] }] },
  configs: [{ source: 'c', target: '/c' }],
  labels: { a: 'b' },
};
const COMPOSE = { services: { web: SERVICE }, configs: { c: { content: 'x' } }, secrets: { s: { file: './s' } } };

const yamls = texts(
  [
    'a',
    ':',
    ' ',
    '\n',
    '- ',
    '&x ',
    '*x',
    '<<: ',
    '!!',
    '"',
    "'",
    '|',
    '>',
    '{',
    '}',
    '[',
    ']',
    '#',
    '---\n',
    '\t',
    '? ',
    '%YAML',
  ],
  [
    'services:\n  web:\n    keep: 2\n    backup.volumes: data\ndefaults:\n  settle: 5s\n',
    'notifications:\n  - kind: webhook\n    url: https://x.example/$' +
      '{TOKEN}\n    template: "{{title}}"\n    when: failures\n',
    'services:\n  web: &x\n    keep: 1\n  db:\n    <<: *x\n',
    'registries:\n  r.example:\n    ca: /ca.pem\n    insecure: true\n',
  ],
);

const patterns = texts(
  ['*', '**', '/', '?', '[', ']', '^', '-', '!', '\\', 'a', 'node_modules', '.git', '..', '#', ' '],
  ['**/*.log', '!keep/', '/a/./b/../c', '[a-c]x'],
);
const templates = texts(
  ['{{', '}}', 'title', 'json', 'summary', '{', '}', '"', ':', '[', ']', ' ', 'host', '\\', '\n', 'nope'],
  ['{"text":"{{summary}}","all":{{json}}}', '{{title}}: {{failed}}', '[{{json}}]'],
);
const SUMMARY = summarizeRun({ services: [] }, 'häost "x"\n');

const inputs = fc
  .array(
    fc.tuple(
      fc.constantFrom('command', 'services', 'image', 'host', 'settle', 'strategy', 'all', 'dry-run', 'ssh-key'),
      anyText,
    ),
    { maxLength: 6 },
  )
  .map((pairs) => Object.fromEntries(pairs.map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])));

export const FILES: readonly Target[] = [
  target(
    "docker's config.json",
    jsonTexts(DOCKER),
    (text) => {
      const config = parseDockerConfig(text, 'config.json');
      for (const { auth } of Object.values(config.auths ?? {})) assert.ok(auth == null || typeof auth === 'string');
    },
    { work: (text) => parseDockerConfig(text, 'f'), texts: repeated('{', '[', '"', '{"a":', ' ') },
  ),
  target('logins', fc.tuple(jsonTexts({ auth: 'dTpw' }), anyText), async ([text, host]) => {
    const given = [{ registry: 'r.example', username: text, password: host }];
    const loginFor = openCredentials({ env: {}, home: '/nonexistent', given });
    assert.deepEqual(await loginFor('r.example'), { username: text, password: host, serveraddress: 'r.example' });
    if (host !== 'r.example') assert.equal(await loginFor(host), undefined);
  }),
  target("docker's contexts", jsonTexts(META), async (text) => {
    const world = { env: {}, home: '/x', exists: async () => true, list: async () => ['a'] };
    const read = async (file: string) => (file.endsWith('meta.json') ? text : undefined);
    const { host } = await readContext('far', { origin: 'it', code: 'usage' }, { ...world, read });
    assert.equal(typeof host, 'string');
  }),
  target(
    'swapctl.yml',
    yamls,
    async (text) => {
      const source = readSource(text);
      if (!('place' in source)) return assert.ok(source.line >= 1 && source.column >= 1 && source.message !== '');
      const lines = text.split(/\r\n|\n|\r/).length;
      for (const { line, message } of await mistakesIn(source.value, source, cronSchedules()))
        assert.ok(line >= 1 && line <= lines && message !== '');
      await readConfig({ path: 'f', folder: '/', text } as never, {}, cronSchedules());
    },
    { work: readSource, texts: repeated('a: b\n', '[', '- ', '&x [', '"', '{a: ', ' ', '#') },
  ),
  target(
    'compose files',
    fc.tuple(documents(COMPOSE, SERVICE), documents(SERVICE), documents({ s: { file: 'x' } })),
    ([document, service, secrets]) => {
      for (const one of inlineFiles([document], 'web').paths) assert.equal(typeof one, 'string');
      const fields = record(service);
      composeHashLabel('x', fields, { before: {}, after: {} }, (text) => text);
      for (const rule of composeRules(fields, 'web')) assert.equal(typeof rule.path, 'string');
      const spec = composeBuild(fields, record(secrets));
      if (!spec) return;
      assert.equal(typeof spec.context, 'string');
      for (const one of [...needsBuildx(spec), ...spec.cacheFrom, ...Object.values(spec.args)])
        assert.equal(typeof one, 'string');
      for (const from of spec.cacheFrom) cacheReference(from);
    },
  ),
  target(
    'compose files as YAML',
    yamls,
    (text) => {
      let document: unknown;
      try {
        document = load(text);
      } catch {
        return;
      }
      inlineFiles([document], 'web');
    },
    {
      work: (text) => {
        try {
          load(text);
        } catch {}
      },
      texts: repeated('a: b\n', '- ', '[', '&a [*a,', '{'),
    },
  ),
  target(
    '.dockerignore and patterns of trees',
    fc.tuple(fc.array(patterns, { maxLength: 5 }), texts(['a', '/', 'node_modules', 'x.log', '..'])),
    ([lines, file]) => {
      const { leavesOut, closes } = ignoreOf(lines);
      const clean = path.posix.normalize(file || '.');
      if (closes(clean)) assert.ok(leavesOut(clean), 'what is closed is left out');
      assert.equal(leavesOut(''), false);
    },
    {
      work: (text) => ignoreOf([text]).leavesOut('a/'.repeat(50)),
      texts: repeated('[', '*', '**/', '*a', '\\', 'a/', '[a', '../', '!'),
    },
  ),
  target(
    'templates of notifications',
    templates,
    (text) => {
      if (whyNoTemplate(text) !== undefined) return;
      const { body, type } = fillTemplate(text, SUMMARY);
      if (type === 'application/json') JSON.parse(body);
    },
    { work: (text) => fillTemplate(text, SUMMARY), texts: repeated('{{', '{{ ', '}}', '{', '[ ', ' ', '{{title}}') },
  ),
  target('secrets in what is shown', fc.tuple(fc.array(anyText, { maxLength: 3 }), anyText), ([secrets, text]) => {
    const shown = redact(`${text}${secrets.join('')}`, secrets);
    for (const secret of secrets)
      if (secret.length >= 4 && secret !== '…'.repeat(secret.length))
        assert.ok(!shown.includes(secret) || '…'.includes(secret));
  }),
  target('inputs of the action', inputs, (env) => {
    readInputs(singleLine(inputsOf(env)));
  }),
];

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
