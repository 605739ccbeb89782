// An entry is in the cache as a whole or not at all, whatever happens to the processes that prepare it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missingProgram } from '../lab/missing.ts';

const skip = missingProgram('flock');

const PROGRAM = fileURLToPath(new URL('made-up.mjs', import.meta.url));

interface Preparation {
  child: ChildProcess;
  /** Resolves once stdout or stderr contains the text. */
  says(text: string): Promise<void>;
  goOn(): void;
  /** `output` is of both streams, in no certain order; `errors` what came on standard error. */
  end: Promise<{ code: number | null; output: string; errors: string }>;
}

/** An empty cache, and what starts preparations in it. */
function emptyCache(t: TestContext) {
  const home = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-cache-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const cache = path.join(home, 'swapctl-test');
  mkdirSync(cache);
  const entries = () => readdirSync(cache).filter((name) => name.startsWith('thing-'));
  return {
    start: (how: 'whole' | 'fails' | 'hangs') => preparation(t, how, home),
    entries,
    files: () => entries().map((name) => readdirSync(path.join(cache, name)).sort()),
    temporary: () => readdirSync(cache).filter((name) => name.startsWith('.')),
    makings: () => readFileSync(path.join(cache, 'makings'), 'utf8').trim().split('\n').length,
    pid: () => Number(readFileSync(path.join(cache, 'pid'), 'utf8')),
  };
}

function preparation(t: TestContext, how: string, home: string): Preparation {
  const child = spawn(process.execPath, [PROGRAM, how], { env: { ...process.env, XDG_CACHE_HOME: home } });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
      if (stream === child.stderr) errors += text;
      child.emit('output');
    });
  }
  const end = once(child, 'close').then(([code]) => ({ code, output, errors }));
  const says = async (text: string) => {
    while (!output.includes(text)) {
      const ended = await Promise.race([once(child, 'output').then(() => false), end.then(() => true)]);
      if (ended && !output.includes(text)) assert.fail(`it ended without saying ${text}:\n${output}`);
    }
  };
  return { child, says, goOn: () => void child.stdin.end('go\n'), end };
}

/** A zombie, which nobody has waited for yet, has ended. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('an entry is not there before it is complete', { skip }, async (t) => {
  const cache = emptyCache(t);
  const one = cache.start('whole');
  await one.says('half');
  assert.deepEqual(cache.entries(), []);
  one.goOn();
  assert.equal((await one.end).code, 0);
  assert.deepEqual(cache.files(), [['first', 'second']]);
  assert.deepEqual(cache.temporary(), []);
});

test('of two that start at the same time one prepares, and the other says that it waits', { skip }, async (t) => {
  const cache = emptyCache(t);
  const both = [cache.start('whole'), cache.start('whole')];
  await Promise.race(both.map((one) => one.says('waiting: another process')));
  for (const one of both) one.goOn();
  const ends = await Promise.all(both.map((one) => one.end));
  assert.deepEqual(
    ends.map(({ code }) => code),
    [0, 0],
  );
  assert.equal(cache.makings(), 1);
  assert.deepEqual(cache.files(), [['first', 'second']]);
});

test('one that fails half way leaves nothing, and says why', { skip }, async (t) => {
  const cache = emptyCache(t);
  const { code, errors } = await cache.start('fails').end;
  assert.equal(code, 1);
  assert.match(errors, /==> the mirror went away\n$/);
  assert.deepEqual([cache.entries(), cache.temporary()], [[], []]);
});

test('Ctrl-C ends the program that runs, and leaves nothing', { skip }, async (t) => {
  const cache = emptyCache(t);
  const one = cache.start('hangs');
  await one.says('running');
  one.child.kill('SIGINT');
  const { code, errors } = await one.end;
  assert.equal(code, 130);
  assert.match(errors, /==> interrupted\n$/);
  assert.deepEqual([cache.entries(), cache.temporary()], [[], []]);
  assert.ok(!isRunning(cache.pid()));
});

test('one that is killed half way gives way to the one that waits, which removes what it left', { skip }, async (t) => {
  const cache = emptyCache(t);
  const killed = cache.start('whole');
  await killed.says('half');
  const waiting = cache.start('whole');
  await waiting.says('waiting');
  killed.child.kill('SIGKILL');
  await waiting.says('half');
  assert.equal(cache.temporary().length, 1);
  waiting.goOn();
  assert.equal((await waiting.end).code, 0);
  assert.deepEqual([cache.files(), cache.temporary()], [[['first', 'second']], []]);
});

test('Ctrl-C ends one that waits, and the other goes on', { skip }, async (t) => {
  const cache = emptyCache(t);
  const one = cache.start('whole');
  await one.says('half');
  const waiting = cache.start('whole');
  await waiting.says('waiting');
  waiting.child.kill('SIGINT');
  assert.equal((await waiting.end).code, 130);
  one.goOn();
  assert.equal((await one.end).code, 0);
  assert.deepEqual(cache.files(), [['first', 'second']]);
});
