import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../../../src/core/model/engine-error.ts';
import { type ErrorCode, type ErrorState, SwapError } from '../../../src/core/model/error.ts';
import { cli, REPLICA, ROLLED } from './fakes.ts';

const UNREACHABLE = new SwapError('engine-unreachable', 'no engine at unix:///nowhere', {
  hint: 'is it running?',
  cause: new Error('ENOENT'),
});

test('an error that was raised on purpose says what, and what to do', async () => {
  const { status, stderr, stdout } = await cli(['status'], { refuse: UNREACHABLE });
  assert.equal(status, 5);
  assert.equal(stderr, 'swapctl: no engine at unix:///nowhere\n  nothing was touched\n  is it running?\n');
  assert.equal(stdout, '');
});

test('with --verbose it says what lay behind', async () => {
  const { stderr } = await cli(['status', '-v'], { refuse: UNREACHABLE });
  assert.match(stderr, /\n {2}because: ENOENT\n$/);
});

test('with --json it is a document on stdout as well', async () => {
  const { json, stderr } = await cli(['doctor', '--json'], { refuse: UNREACHABLE });
  assert.deepEqual(json(), {
    error: {
      code: 'engine-unreachable',
      message: 'no engine at unix:///nowhere',
      hint: 'is it running?',
      state: 'untouched',
    },
  });
  assert.match(stderr, /^swapctl: no engine/);
});

test('its message and hint cannot write to the terminal', async () => {
  const { stderr } = await cli(['roll', 'web'], {
    raise: new SwapError('ambiguous', 'two\x1b[2J things', { hint: 'a\nb\x07' }),
  });
  assert.equal(stderr, 'swapctl: two things\n  a b\\x07\n');
});

test('a mistake in swapctl is owned up to, without a stack', async () => {
  const { status, stderr } = await cli(['status'], { raise: new TypeError('x is not a function') });
  assert.equal(status, 1);
  assert.equal(
    stderr,
    'swapctl: unexpected: x is not a function\n  run again with --verbose for details\n  nothing is known to be broken: run swapctl status\n',
  );
});

test('with --verbose a mistake in swapctl shows its stack', async () => {
  const { stderr } = await cli(['status', '--verbose'], { raise: new TypeError('x is not a function') });
  assert.match(stderr, /unexpected: x is not a function\n {2}nothing is known[\s\S]*\n {4}at /);
});

test('even something that is no error is told', async () => {
  const { status, json } = await cli(['status', '--json'], { raise: 'pardon' });
  assert.equal(status, 1);
  assert.equal(json().error.code, 'unexpected');
  assert.equal(json().error.message, 'pardon');
});

test('a refusal of the engine while reading is out of reach, while changing it needs attention', async () => {
  const gone = new EngineError(0, 'socket hang up');
  assert.equal((await cli(['status'], { raise: gone })).status, 5);
  const changing = await cli(['roll', 'web'], { raise: gone });
  assert.equal(changing.status, 3);
  assert.match(changing.stderr, /the engine refused: socket hang up\n {2}it stopped halfway; swapctl status shows/);
});

test('red is only for terminals', async () => {
  assert.match((await cli(['rol'], { stderrIsTty: true })).stderr, /^\x1b\[31mswapctl:\x1b\[39m unknown/);
  assert.match((await cli(['rol'])).stderr, /^swapctl: unknown/);
});

test('an interruption ends what only reads at once', async () => {
  const stop = new AbortController();
  const meanwhile = () => {
    setImmediate(() => stop.abort());
    return new Promise<void>(() => {});
  };
  const { status, stderr, closed } = await cli(['status'], { status: [REPLICA], meanwhile, signal: stop.signal });
  assert.equal(status, 1);
  assert.match(stderr, /interrupted; nothing was changed/);
  assert.equal(closed, 1);
});

test('an interruption lets a roll come to its end, and says so', async () => {
  const stop = new AbortController();
  const meanwhile = async () => {
    stop.abort();
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const { status, stdout, stderr, calls } = await cli(['roll', 'web'], {
    roll: [ROLLED],
    meanwhile,
    signal: stop.signal,
  });
  assert.equal(status, 0);
  assert.match(stdout, /^web {2}rolled/);
  assert.match(stderr, /^==> interrupted: it ends at the next safe point/);
  assert.equal(calls[0]?.request?.signal.aborted, true);
});

test('an interruption before the engine is open opens nothing', async () => {
  const { status, opened, stdout } = await cli(['roll', 'web'], { roll: [ROLLED], signal: AbortSignal.abort() });
  assert.equal(status, 1);
  assert.deepEqual(opened, []);
  assert.equal(stdout, '');
});

test('the state after an error is that of its code, unless it says another', async () => {
  const raise = async (code: ErrorCode, options: { state?: ErrorState } = {}) =>
    (await cli(['roll', 'web'], { raise: new SwapError(code, 'no', options) })).stderr;
  assert.match(await raise('not-healthy'), /\n {2}the old version serves as before\n/);
  assert.match(await raise('interrupted', { state: 'untouched' }), /\n {2}nothing was touched\n/);
  assert.match(await raise('attention', { state: 'new-serves' }), /\n {2}the new version serves\n/);
  assert.doesNotMatch(await raise('unexpected'), /serves|touched|halfway/);
});
