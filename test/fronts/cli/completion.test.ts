import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { cli } from './fakes.ts';

let folder = '';

before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-completion-'));
  for (const shell of ['bash', 'zsh', 'fish'])
    writeFileSync(path.join(folder, shell), (await cli(['completion', shell])).stdout);
  // In place of the real program: it knows three names and records its calls.
  writeFileSync(
    path.join(folder, 'swapctl'),
    `#!/bin/sh\necho "$@" > "${folder}/call"\nprintf 'web\\nworker\\nshop/api\\n'\n`,
  );
  chmodSync(path.join(folder, 'swapctl'), 0o755);
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** The completions of bash at the end of a line. */
function complete(line: string): string[] {
  const script = `source "$1"; COMP_LINE="$2" COMP_POINT=\${#2}; _swapctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const said = execFileSync('bash', ['--norc', '-c', script, 'bash', path.join(folder, 'bash'), line], {
    encoding: 'utf8',
    env,
  });
  return said.split('\n').filter(Boolean);
}

test('the scripts are right for every shell that is there to check them', (context) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { error, status, stderr } = spawnSync(shell, ['-n', path.join(folder, shell)], { encoding: 'utf8' });
    if (error) context.diagnostic(`there is no ${shell} here`);
    else assert.equal(status, 0, stderr);
  }
});

test('bash registers the completion', () => {
  const said = execFileSync(
    'bash',
    ['--norc', '-c', 'source "$1"; complete -p swapctl', 'bash', path.join(folder, 'bash')],
    { encoding: 'utf8' },
  );
  assert.equal(said, 'complete -F _swapctl swapctl\n');
});

test('bash completes what config shows', () => {
  assert.deepEqual(complete('swapctl config s'), ['show', 'schema']);
});

test('bash completes commands', () => {
  assert.deepEqual(complete('swapctl ro'), ['roll', 'rollback']);
  assert.deepEqual(complete('swapctl '), [
    'roll',
    'plan',
    'rollback',
    'update',
    'watch',
    'serve',
    'dev',
    'status',
    'check',
    'history',
    'recover',
    'doctor',
    'config',
    'install',
    'proxy',
    'token',
    'completion',
    'help',
  ]);
  assert.deepEqual(complete('swapctl --json st'), ['status']);
});

test('bash completes names of services', () => {
  assert.deepEqual(complete('swapctl roll '), ['web', 'worker', 'shop/api']);
  assert.deepEqual(complete('swapctl roll web w'), ['web', 'worker']);
  assert.deepEqual(complete('swapctl rollback --settle 2s s'), ['shop/api']);
  assert.deepEqual(complete('swapctl doctor '), []);
  assert.deepEqual(complete('swapctl recover wo'), ['worker']);
});

test('bash asks the engine that the line names', () => {
  complete('swapctl --host tcp://there:2375 roll --context=prod w');
  assert.equal(readFileSync(path.join(folder, 'call'), 'utf8'), '--host tcp://there:2375 --context=prod __names\n');
});

test('bash completes options of the command, and the global ones', () => {
  assert.deepEqual(complete('swapctl roll web --dr'), ['--drain-timeout']);
  assert.deepEqual(complete('swapctl status --dr'), []);
  assert.deepEqual(complete('swapctl status --js'), ['--json']);
});

test('bash completes the values of options and arguments', () => {
  assert.deepEqual(complete('swapctl roll --pull '), ['always', 'missing', 'never']);
  assert.deepEqual(complete('swapctl roll --strategy=st'), ['start-first', 'stop-first']);
  assert.deepEqual(complete('swapctl roll --settle '), []);
  assert.deepEqual(complete('swapctl completion '), ['bash', 'zsh', 'fish']);
  assert.ok(complete('swapctl help ').includes('doctor'));
});

test('every script knows every command and option of the program', async () => {
  const help = (await cli(['--help'])).stdout + (await cli(['roll', '--help'])).stdout;
  const words = [...help.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, word = '']) => word);
  assert.ok(words.length > 12);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = readFileSync(path.join(folder, shell), 'utf8');
    for (const word of [...words, 'rollback', 'doctor']) assert.ok(script.includes(word), `${shell}: ${word}`);
  }
});

test('names that a shell could take for code are not offered', async () => {
  const names = ['web', 'shop/api', '$(reboot)', 'a b', '-rf', 'x;y', '`id`', 'v1.2_3'];
  const { stdout, status } = await cli(['__names'], { names });
  assert.equal(status, 0);
  assert.equal(stdout, 'web\nshop/api\nv1.2_3\n');
});

test('the script needs no engine', async () => {
  assert.deepEqual((await cli(['completion', 'bash'])).opened, []);
});
