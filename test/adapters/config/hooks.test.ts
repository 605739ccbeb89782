// The section `hooks` of swapctl.yml: its mistakes, its secrets, and its printable part.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { checkConfig, openConfig, schemaOfConfig, showConfig } from '../../../src/adapters/config/open.ts';
import { cronSchedules } from '../../../src/adapters/host/schedules.ts';
import type { Config } from '../../../src/core/settings/config.ts';
import { HOOKS, type HookKind } from '../../../src/core/webhooks/kinds.ts';

const SECRET = '0123456789abcdef';
const schedules = cronSchedules();
/** A variable of the environment in the notation of the file. */
const variable = (name: string): string => `$\{${name}}`;
let folder = '';

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-config-hooks-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function at(text: string, env: Record<string, string> = {}) {
  writeFileSync(path.join(folder, 'some.yml'), text);
  return { file: 'some.yml', env, folder };
}

async function mistakes(hooks: string): Promise<string[]> {
  const { mistakes: found } = await checkConfig(at(`hooks:\n  ${hooks}\n`), schedules);
  return found.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

async function config(hooks: string, env: Record<string, string> = {}): Promise<Config> {
  return (await openConfig(at(`hooks:\n  ${hooks}\n`, env), schedules))();
}

suite('mistakes', () => {
  const kinds = Object.keys(HOOKS).join(', ');
  const table: [string, string, string[]][] = [
    ['no kind', `a: { secret: ${SECRET} }`, [`2:6 kind is missing; use one of: ${kinds}`]],
    ['an unknown kind', 'a: { kind: dockerhub }', ['2:14 "dockerhub" is no kind of hook; did you mean docker-hub?']],
    ['no credential', 'a: { kind: github }', ['2:6 a github hook needs a credential: secret, or the same with -file']],
    [
      'no credential where there is a choice',
      'a: { kind: harbor }',
      ['2:6 a harbor hook needs a credential: token, bearer or basic, or the same with -file'],
    ],
    [
      'two credentials',
      `a: { kind: gitlab, token: ${SECRET}, secret: ${SECRET} }`,
      ['2:47 a hook has one credential: give token or secret, not both'],
    ],
    [
      'a credential in two places',
      `a: { kind: quay, url-secret: ${SECRET}, url-secret-file: x }`,
      ['2:50 a hook has one credential: give url-secret or url-secret-file, not both'],
    ],
    [
      'a credential that the sender does not support',
      `a: { kind: github, secret: ${SECRET}, bearer: ${SECRET} }`,
      ['2:48 "bearer" is not a key of a github hook; known are: kind, secret, secret-file, registry'],
    ],
    [
      'a short secret',
      'a: { kind: github, secret: hunter2 }',
      ['2:30 secret has to have 16 characters or more; openssl rand -hex 32 makes a good one'],
    ],
    [
      'a name that cannot be in a URL',
      `"a/b": { kind: github, secret: ${SECRET} }`,
      [
        '2:3 "a/b" cannot be the name of a hook; use lower-case letters, digits, dots, dashes and underscores, at most 64',
      ],
    ],
    [
      'a URL as registry',
      `a: { kind: github, secret: ${SECRET}, registry: "https://x" }`,
      ['2:58 registry: "https://x" is not the host of a registry; write it like registry.example.org:5000'],
    ],
  ];
  for (const [name, text, found] of table) test(name, async () => assert.deepEqual(await mistakes(text), found));

  test('none in a right one of each kind and credential', async () => {
    for (const [kind, { takes }] of Object.entries(HOOKS))
      for (const form of takes) {
        assert.deepEqual(await mistakes(`a: { kind: ${kind}, ${form}: ${SECRET}, registry: "r.example:5000" }`), []);
        assert.deepEqual(await mistakes(`a: { kind: ${kind}, ${form}-file: x }`), []);
      }
  });
});

suite('secrets', () => {
  test('come from the text, the environment or a file', async () => {
    writeFileSync(path.join(folder, 'secret'), `file-${SECRET}\n`);
    const { hooks } = await config(
      `a: { kind: github, secret: ${SECRET} }\n  b: { kind: harbor, basic: "${variable('USER')}:${variable('PW')}" }\n  c: { kind: quay, url-secret-file: secret }`,
      { USER: 'harbor', PW: SECRET },
    );
    const read = async (name: string) => ({
      form: hooks[name]?.credential.form,
      text: await hooks[name]?.credential.secret.read(),
    });
    assert.deepEqual(await read('a'), { form: 'secret', text: SECRET });
    assert.deepEqual(await read('b'), { form: 'basic', text: `harbor:${SECRET}` });
    assert.deepEqual(await read('c'), { form: 'url-secret', text: `file-${SECRET}` });
  });

  test('are never short: an empty file would be a key that everybody has', async () => {
    writeFileSync(path.join(folder, 'empty'), '\n');
    const { hooks } = await config(
      `a: { kind: github, secret-file: empty }\n  b: { kind: github, secret: "${variable('S')}" }`,
      {
        S: 'x',
      },
    );
    for (const hook of Object.values(hooks))
      await assert.rejects(hook.credential.secret.read(), {
        code: 'config',
        message: /has to have 16 characters or more/,
      });
  });

  test('that are missing here and now are noted', async () => {
    const text = `hooks:\n  a: { kind: github, secret-file: nope }\n  b: { kind: github, secret: "${variable('NOPE')}" }\n`;
    const { notes } = await checkConfig(at(text), schedules);
    assert.match(notes[0] ?? '', /^hooks, a, secret: nope can't be read/);
    assert.equal(notes[1], 'hooks, b, secret: the variable NOPE is not set');
  });

  test('are not shown', async () => {
    const url = `https://x.example/${SECRET}`;
    const text = `hooks:\n  a: { kind: github, secret: ${SECRET} }\n  b: { kind: quay, url-secret: "${url}", registry: q.example }\n  c: { kind: quay, url-secret-file: /run/q }\n  d: { kind: quay, url-secret: "${variable('Q')}" }\n`;
    const { document, lines } = await showConfig(at(text), schedules);
    assert.deepEqual((document as { hooks: unknown }).hooks, {
      a: { kind: 'github', secret: '…' },
      b: { kind: 'quay', 'url-secret': '…', registry: 'q.example' },
      c: { kind: 'quay', 'url-secret': '(in /run/q)' },
      d: { kind: 'quay', 'url-secret': variable('Q') },
    });
    assert.ok(!lines.join('\n').includes(SECRET));
  });
});

test('the JSON schema has every kind with its credentials', async () => {
  const schema = (await schemaOfConfig()) as {
    properties: { hooks: { additionalProperties: { oneOf: { properties: Record<string, { const?: HookKind }> }[] } } };
  };
  const found = schema.properties.hooks.additionalProperties.oneOf.map(({ properties }) => [
    properties.kind?.const,
    Object.keys(properties).filter((key) => key !== 'kind' && key !== 'registry' && !key.endsWith('-file')),
  ]);
  assert.deepEqual(
    found,
    Object.entries(HOOKS).map(([kind, { takes }]) => [kind, [...takes]]),
  );
});
