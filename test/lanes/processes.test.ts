// Files that share a process: each is reported as if it had run alone, whatever another one does.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { root } from '../../scripts/prepare/npm.mjs';
import { filesOf, processesOf } from '../../scripts/test/lanes.mjs';
import { folderOf } from '../adapters/build/files.ts';

const PROGRAM = fileURLToPath(new URL('../../scripts/test/files.mjs', import.meta.url));
const PASSES = "test('passes', () => {});";

test('the tests of all files run, and one that fails is reported with its file', (t) => {
  const { counts, output, unfinished } = runFiles(t, {
    'a.mjs': PASSES,
    'b.mjs': "test('is wrong', () => assert.fail('wrong'));",
  });
  assert.deepEqual([counts.pass, counts.fail], [2, 1]);
  assert.deepEqual(counts.failures, ['is wrong']);
  assert.match(output, /test at .*b\.mjs:/);
  assert.deepEqual(unfinished, []);
});

test('a file that cannot be loaded is named, and the others run', (t) => {
  const { counts, output, unfinished } = runFiles(t, { 'a.mjs': "throw new Error('broken');", 'b.mjs': PASSES });
  assert.deepEqual([counts.pass, counts.failures], [1, ['2 files load']]);
  assert.match(output, /a\.mjs could not be loaded[\s\S]*broken/);
  assert.deepEqual(unfinished, []);
});

for (const status of [0, 3]) {
  test(`files that did not run because a test exited with ${status} are listed`, (t) => {
    const exits = `test('exits', () => process.exit(${status}));`;
    const { unfinished } = runFiles(t, { 'a.mjs': PASSES, 'b.mjs': exits, 'c.mjs': PASSES });
    assert.deepEqual(unfinished.slice(-2), ['b.mjs', 'c.mjs']);
  });
}

test('an error that no test handles is a failure, and the other files run', (t) => {
  const late = "test('leaves', () => void Promise.resolve().then(() => assert.fail('late')));";
  const { counts, output, unfinished } = runFiles(t, { 'a.mjs': PASSES, 'b.mjs': late, 'c.mjs': PASSES });
  assert.ok(counts.fail > 0);
  assert.ok(counts.pass >= 2);
  assert.match(output, /late/);
  assert.deepEqual(unfinished, []);
});

test('a test that leaves the process changed is named', (t) => {
  const { counts, output } = runFiles(t, {
    'a.mjs': "test('sets', () => void (process.env.LEFT = '1'));",
    'b.mjs': PASSES,
  });
  assert.equal(counts.fail, 1);
  assert.match(output, /The test "sets" left the environment/);
});

test('a whole lane is dealt to its processes, and files by name run alone', () => {
  const files = filesOf('fast');
  const dealt = processesOf('fast', files, { whole: true });
  assert.ok(dealt.length < files.length / 10);
  assert.deepEqual(dealt.flat().sort(), files);
  assert.deepEqual(
    processesOf('fast', files.slice(0, 2)).map(({ length }) => length),
    [1, 1],
  );
  assert.equal(processesOf('engine', filesOf('engine'), { whole: true }).length, filesOf('engine').length);
});

test('every weight is that of a file', () => {
  const weights = JSON.parse(readFileSync(path.join(root, 'scripts/test/weights.json'), 'utf8'));
  assert.deepEqual(
    Object.keys(weights).filter((file) => !existsSync(path.join(root, file))),
    [],
  );
});

test('no hook of a file runs around the tests of another', () => {
  const own = filesOf('fast').filter((file) =>
    /^(before|after)Each\(/m.test(readFileSync(path.join(root, file), 'utf8')),
  );
  assert.deepEqual(own, []);
});

/** Runs these files in one process. */
function runFiles(t: TestContext, sources: Record<string, string>) {
  const header = "import assert from 'node:assert';\nimport test from 'node:test';\nvoid assert;\n";
  const folder = folderOf(t, Object.fromEntries(Object.entries(sources).map(([name, text]) => [name, header + text])));
  const what = { folder, atOnce: 1, patterns: [], processes: [Object.keys(sources)] };
  // In a test's own context node refuses to run tests.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = spawnSync(process.execPath, [PROGRAM, JSON.stringify(what)], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  const written = (name: string) => JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
  return { output: stdout, counts: written('counts.json'), unfinished: written('unfinished.json') as string[] };
}
