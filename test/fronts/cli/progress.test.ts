import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Progress } from '../../../src/core/report/progress.ts';
import type { Step } from '../../../src/core/rollout/step.ts';
import { harmlessText } from '../../../src/core/text/harmless.ts';
import { harmlessLines } from '../../../src/fronts/terminal/harmless.ts';
import { cli, FAILED, ROLLED } from './fakes.ts';

const START: Step = { kind: 'start', container: 'b', name: 'web.swapctl-next' };
const HEALTHY: Step = { kind: 'await-healthy', container: 'b', name: 'web.swapctl-next' };
const RENAME: Step = { kind: 'rename', container: 'a', name: 'web', to: 'web.swapctl-old' };
const REMEMBER: Step = {
  kind: 'remember-failure',
  roll: 'r1',
  container: 'b',
  name: 'web.swapctl-next',
  code: 'not-healthy',
  reason: 'exit code 1',
};

const step = (step: Step, slot = 'web'): Progress => ({ kind: 'step', slot, step });
const done = (step: Step, ms = 300, slot = 'web'): Progress => ({ kind: 'done', slot, step, ms });
const EVIDENCE: Progress = {
  kind: 'evidence',
  slot: 'web',
  container: 'web',
  health: ['exit 1: refused'],
  log: ['\x1b[32minfo\x1b[0m up', 'two\nlines\x07'],
};

const GOOD: Progress[] = [
  { kind: 'resolving', reference: 'app:2' },
  { kind: 'pulling', reference: 'app:2', done: 1, layers: 3, bytes: 12_500_000, total: 80_000_000 },
  { kind: 'pulling', reference: 'app:2', done: 3, layers: 3, bytes: 80_000_000, total: 80_000_000 },
  { kind: 'pulled', reference: 'app:2', ms: 1500 },
  { kind: 'slot', slot: 'web', way: 'start-first', because: 'nothing is exclusive' },
  step(START),
  { kind: 'probe', slot: 'web', container: 'web.swapctl-next', output: 'refused' },
  { kind: 'debug', text: 'web: a detail' },
  done(START),
  step(HEALTHY),
  done(HEALTHY, 1900),
  step(RENAME),
  done(RENAME, 12),
];

async function told(
  argv: string[],
  progress: readonly Progress[],
  given: Parameters<typeof cli>[1] = {},
): Promise<string> {
  const meanwhile = (report: (progress: Progress) => void) => progress.forEach(report);
  return (await cli(['roll', 'web', ...argv], { roll: [ROLLED], meanwhile, ...given })).stderr;
}

const TERMINAL = { stderrIsTty: true, env: { NO_COLOR: '1' } };

/** What stays on a terminal: the drawings are lines that are taken back. */
function remaining(stderr: string): string[] {
  return stderr
    .replace(/\x1b\[\?\d+[hl]/g, '')
    .split('\n')
    .map((line) => line.split(/\x1b\[1G\x1b\[K/).at(-1) ?? '')
    .filter((line) => line !== '');
}

test('a pipe gets one plain line for each step', async () => {
  assert.equal(
    await told([], GOOD),
    [
      '==> ask the registry for app:2',
      '==> pull app:2',
      '    pulled app:2 in 1.5 s',
      '==> web: start-first: nothing is exclusive',
      '==> web: start web.swapctl-next',
      '==> web: wait until web.swapctl-next is healthy',
      '==> web: rename web to web.swapctl-old',
      '',
    ].join('\n'),
  );
});

test('CI and a dumb terminal get plain lines too', async () => {
  const plain = await told([], GOOD);
  const env = { NO_COLOR: '1' };
  assert.equal(await told([], GOOD, { stderrIsTty: true, env: { ...env, CI: 'true' } }), plain);
  assert.equal(await told([], GOOD, { stderrIsTty: true, env: { ...env, TERM: 'dumb' } }), plain);
});

test('a terminal that was never told how wide it is is drawn on like one of 80 columns', async () => {
  const [none, usual] = await Promise.all([0, 80].map((columns) => told([], GOOD, { ...TERMINAL, columns })));
  assert.equal(none, usual);
});

test('a long pull says now and then how far it is', async (context) => {
  context.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const pulling = (bytes: number): Progress => ({
    kind: 'pulling',
    reference: 'app:2',
    done: 1,
    layers: 3,
    bytes,
    total: 80_000_000,
  });
  const meanwhile = (report: (progress: Progress) => void) => {
    for (let at = 0; at < 25; at++) {
      report(pulling(at * 1_000_000));
      context.mock.timers.tick(1000);
    }
  };
  const { stderr } = await cli(['roll', 'web'], { roll: [ROLLED], meanwhile });
  assert.equal(
    stderr,
    [
      '==> pull app:2',
      '    app:2: 1 of 3 layers, 10.0 of 80.0 MB',
      '    app:2: 1 of 3 layers, 20.0 of 80.0 MB',
      '',
    ].join('\n'),
  );
});

test('--verbose adds probes, details and the time of every step', async () => {
  const stderr = await told(['--verbose'], GOOD);
  assert.match(
    stderr,
    /==> web: start web\.swapctl-next\n {4}web: the health check of web\.swapctl-next said:\n {6}refused\n {4}web: a detail\n {4}web: start web\.swapctl-next: 300 ms\n/,
  );
});

test('--quiet tells only why something failed', async () => {
  const stderr = await told(['--quiet'], [...GOOD, EVIDENCE, { kind: 'note', text: 'by the way' }]);
  assert.equal(
    stderr,
    [
      '    last health output of web:',
      '      exit 1: refused',
      '    last log lines of web:',
      '      info up',
      '      two',
      '      lines\\x07',
      '',
    ].join('\n'),
  );
});

test('a container that left nothing to say is told as that', async () => {
  const stderr = await told([], [{ kind: 'evidence', slot: 'web', container: 'web', health: [], log: [] }]);
  assert.equal(stderr, '    web wrote no log, and no health check said anything\n');
});

test('on a terminal finished steps stay as lines with their time', async () => {
  const stderr = await told([], GOOD, TERMINAL);
  assert.deepEqual(remaining(stderr), [
    '✔ pull app:2  1.5 s',
    'web  start-first',
    '  nothing is exclusive',
    '✔ start web.swapctl-next  0.3 s',
    '✔ wait until web.swapctl-next is healthy  1.9 s',
    '✔ rename web to web.swapctl-old  0.0 s',
  ]);
  assert.match(stderr, /\x1b\[\?25h[\s\S]*$/, 'the cursor is shown again');
});

test('the spinner shows layers and megabytes of a pull, and after a while the time', async () => {
  const meanwhile = async (report: (progress: Progress) => void) => {
    GOOD.slice(0, 2).forEach(report);
    await new Promise((resolve) => setTimeout(resolve, 1200));
  };
  const { stderr } = await cli(['roll', 'web'], { roll: [ROLLED], meanwhile, ...TERMINAL });
  assert.match(stderr, /⠙ pull app:2 {2}1 of 3 layers, 12\.5 of 80\.0 MB/);
  assert.match(stderr, /80\.0 MB {2}\d+ s/);
});

test('a wait that ended badly gets a cross, and the evidence beneath', async () => {
  const progress = [step(HEALTHY), done(HEALTHY, 30_000), step(REMEMBER), EVIDENCE, done(REMEMBER, 20)];
  assert.deepEqual(remaining(await told([], progress, { ...TERMINAL, roll: [FAILED] })), [
    '✘ wait until web.swapctl-next is healthy',
    '    last health output of web:',
    '      exit 1: refused',
    '    last log lines of web:',
    '      info up',
    '      two',
    '      lines\\x07',
    '✔ remember that the image failed: exit code 1  0.0 s',
  ]);
});

test('a wait whose container is taken away at once ended badly too', async () => {
  const back: Step[] = [
    { kind: 'remove', container: 'b', name: 'web.swapctl-next' },
    { kind: 'stop', container: 'b', name: 'web' },
    { kind: 'rename', container: 'b', name: 'web', to: 'web.swapctl-next' },
    { kind: 'rename', container: 'a', name: 'web.swapctl-old', to: 'web' },
    { kind: 'start', container: 'a', name: 'web.swapctl-old' },
  ];
  for (const next of back) {
    const [first] = remaining(await told([], [step(HEALTHY), done(HEALTHY), step(next), done(next)], TERMINAL));
    assert.equal(first, '✘ wait until web.swapctl-next is healthy', next.kind);
  }
});

test('a step that was never done gets a cross', async () => {
  assert.deepEqual(remaining(await told([], [step(START), step(START), done(START)], TERMINAL)), [
    '✘ start web.swapctl-next',
    '✔ start web.swapctl-next  0.3 s',
  ]);
  assert.deepEqual(remaining(await told([], [step(START)], TERMINAL)), ['✘ start web.swapctl-next']);
});

test('notes and several slots at once do not spoil the drawing', async () => {
  const other: Step = { kind: 'start', container: 'c', name: 'db.swapctl-next' };
  const progress: Progress[] = [
    step(START),
    step(other, 'db'),
    { kind: 'note', text: 'a \x1b[2Jnote' },
    done(START),
    done(other, 100, 'db'),
  ];
  assert.deepEqual(remaining(await told([], progress, TERMINAL)), [
    '! a note',
    '✔ start web.swapctl-next  0.3 s',
    '✔ start db.swapctl-next  0.1 s',
  ]);
});

test('the drawing is no wider than the terminal', async () => {
  const long: Step = { ...START, name: 'a'.repeat(200) };
  const stderr = await told([], [step(long)], { ...TERMINAL, columns: 50 });
  const drawn = stderr.split(/\x1b\[[?\d]*[a-zA-Z]|\n/).filter((part) => /^[⠋⠙⠹]/.test(part));
  assert.ok(drawn.length > 0);
  for (const part of drawn) assert.ok([...part].length <= 50, part);
});

test('short commands draw nothing on a terminal', async () => {
  const { stderr } = await cli(['status'], { status: [], ...TERMINAL });
  assert.equal(stderr, '');
});

test('harmless text has no control characters left, whatever it was', () => {
  const cases: [string, string][] = [
    ['plain ✔ ünïcode', 'plain ✔ ünïcode'],
    ['\x1b[1;31mred\x1b[0m', 'red'],
    ['\x1b]8;;http://x\x1b\\link\x1b]8;;\x07', 'link'],
    ['\x9b2Jgone', 'gone'],
    ['\x1bcreset', 'reset'],
    ['\x1b]0;never ends', '\\x1b]0;never ends'],
    ['a\tb\r\nc', 'a b c'],
    ['\x00\x08\x7f\x85', '\\x00\\x08\\x7f\\x85'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['\x1b\x1b[31m[2J', '\\x1b[2J'],
  ];
  for (const [text, expected] of cases) assert.equal(harmlessText(text), expected);
  for (let code = 0; code < 0x10000; code++)
    assert.doesNotMatch(harmlessText(`\x1b${String.fromCharCode(code)}`), /[\x00-\x1f\x7f-\x9f]/);
  assert.deepEqual(harmlessLines('a\r\n\r\nb\x1b[2K\rc'), ['a', 'b', 'c']);
});
