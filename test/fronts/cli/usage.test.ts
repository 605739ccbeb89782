import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { cli } from './fakes.ts';

const COMMANDS = [
  'roll',
  'plan',
  'status',
  'check',
  'rollback',
  'history',
  'recover',
  'doctor',
  'config',
  'install',
  'serve',
  'token',
  'completion',
];

const WRONG: [string, string[], RegExp][] = [
  ['an unknown command', ['rol'], /^swapctl: unknown command 'rol'\n {2}did you mean roll\? see swapctl --help\n$/],
  [
    'an unknown option',
    ['roll', 'web', '--frce'],
    /unknown option '--frce'\n {2}did you mean --force\? see swapctl roll --help\n$/,
  ],
  ['an unknown option of the program', ['--jsn', 'status'], /unknown option '--jsn'/],
  ['a missing service', ['roll'], /missing required argument 'service'\n {2}see swapctl roll --help\n$/],
  ['a missing service of rollback', ['rollback'], /missing required argument 'service'/],
  ['a missing value', ['roll', 'web', '--image'], /option '--image <ref>' argument missing/],
  ['too many arguments', ['doctor', 'web'], /too many arguments/],
  ['two services to roll back', ['rollback', 'a', 'b'], /too many arguments/],
  [
    'a wrong pull policy',
    ['roll', 'web', '--pull', 'often'],
    /'often' is invalid. Allowed choices are always, missing, never/,
  ],
  ['a wrong strategy', ['plan', 'web', '--strategy', 'fast'], /'fast' is invalid/],
  [
    'a wrong settle time',
    ['roll', 'web', '--settle', 'soon'],
    /--settle: "soon" is no duration.*\n {2}write it like .*; see swapctl roll --help\n$/,
  ],
  ['a wrong drain time', ['rollback', 'web', '--drain-timeout', '-1s'], /--drain-timeout: "-1s" is no duration/],
  ['a wrong health time', ['plan', 'web', '--health-timeout', '99h'], /--health-timeout: "99h" is no duration/],
  ['a wrong count', ['roll', 'web', '--keep', 'all'], /--keep: "all" is no count/],
  [
    'a wrong image',
    ['roll', 'web', '--image', 'App:1'],
    /"App:1" is no image reference: a repository is written in lower case/,
  ],
  ['a wrong image to roll back to', ['rollback', 'web', '--image', 'app:'], /is no image reference/],
  [
    'an unknown view of the configuration',
    ['config', 'chek'],
    /'chek' is invalid for argument 'what'. Allowed choices are check, show, schema/,
  ],
  ['an unknown shell', ['completion', 'tcsh'], /'tcsh' is invalid/],
  ['a wrong repository', ['dev', 'web', '--git', 'ext::sh'], /--git: "ext:" is no way to a repository here/],
  ['a wrong interval', ['dev', 'web', '--git', '--interval', '1s'], /--interval: "every 1s" is too often/],
  ['files and commits at once', ['dev', 'web', '--git', '--build', '.'], /--build does not go with --git/],
  ['an interval for files', ['dev', 'web', '--interval', '10s'], /--interval goes with --git/],
  ['quiet and verbose at once', ['status', '-q', '-v'], /cannot be used with/],
];

for (const [what, argv, expected] of WRONG) {
  test(`${what} ends with 2, a hint, and nothing opened`, async () => {
    const { status, stderr, stdout, opened } = await cli(argv);
    assert.equal(status, 2);
    assert.match(stderr, expected);
    assert.match(stderr, /see swapctl[ a-z]* --help\n$/);
    assert.doesNotMatch(stderr, /\n\s+at /);
    assert.equal(stdout, '');
    assert.deepEqual(opened, []);
  });
}

test('a mistake is told as JSON on stdout too, if JSON was asked for', async () => {
  const { status, json, stderr } = await cli(['roll', 'web', '--settle', 'soon', '--json']);
  assert.equal(status, 2);
  assert.equal(json().error.code, 'config');
  assert.match(json().error.message, /--settle/);
  assert.match(json().error.hint, /see swapctl roll --help/);
  assert.match(stderr, /^swapctl: --settle/);
  assert.equal((await cli(['rol', '--json'])).json().error.code, 'usage');
});

test('--json after -- is an argument', async () => {
  const { stdout } = await cli(['rollback', '--', '--json', 'b']);
  assert.equal(stdout, '');
});

test('a mistake shows no stack even with --verbose', async () => {
  const { stderr } = await cli(['roll', '--verbose']);
  assert.doesNotMatch(stderr, /\n\s+at /);
});

test('escape sequences in a mistyped command do not reach the terminal', async () => {
  const { stderr } = await cli(['\x1b[31mroll']);
  assert.doesNotMatch(stderr, /\x1b/);
});

test('the version is printed and nothing is opened', async () => {
  for (const flag of ['--version', '-V']) {
    const { status, stdout, opened } = await cli([flag]);
    assert.deepEqual([status, stdout, opened], [0, '1.2.3\n', []]);
  }
});

test('help names every command and the exit statuses, within 82 columns', async () => {
  const { status, stdout, opened } = await cli(['--help'], { stdoutIsTty: true, columns: 80 });
  assert.equal(status, 0);
  assert.deepEqual(opened, []);
  for (const name of COMMANDS) assert.match(stdout, new RegExp(`^ {2}${name}\\b.*\\w+`, 'm'));
  assert.match(stdout, /exit status:\n {2}0 {2}done/);
  assert.doesNotMatch(stdout, /__names/);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 82, line);
});

for (const name of COMMANDS) {
  test(`swapctl ${name} --help has a summary, examples and the global options`, async () => {
    const { status, stdout } = await cli([name, '--help']);
    assert.equal(status, 0);
    assert.match(stdout, /^usage: swapctl .*\n\n[A-Z].*\.\n/);
    assert.match(stdout, /examples:\n {2}\$ /);
    assert.match(stdout, /global options:[\s\S]*--host/);
    assert.equal((await cli(['help', name])).stdout, stdout);
  });
}

test('no command at all shows the help on stderr and ends with 2', async () => {
  const { status, stdout, stderr } = await cli([]);
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^usage: swapctl/);
});

test('help about nothing known ends with 2', async () => {
  assert.equal((await cli(['help', 'bogus'])).status, 2);
});

test('what --version loads is commander, what Node has loaded anyway, and the command line itself', () => {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: URL): void => {
    if (seen.has(file.href)) return;
    seen.add(file.href);
    for (const [, types, from = ''] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)( type)? [^;]*?from '([^']+)';$/gms,
    )) {
      if (types) continue;
      if (from.startsWith('.')) visit(new URL(from, file));
      else packages.add(from);
    }
  };
  visit(new URL('../../../src/fronts/cli/program.ts', import.meta.url));
  assert.deepEqual([...packages], ['commander', 'node:util']);
  assert.ok(seen.size > 10);
  assert.ok([...seen].every((file) => /\/src\/(core|fronts)\//.test(file)));
});
