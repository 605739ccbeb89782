import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../../src/core/model/error.ts';
import { phaseOfStep } from '../../../src/core/report/phase.ts';
import type { Progress } from '../../../src/core/report/progress.ts';
import type { Step } from '../../../src/core/rollout/step.ts';
import { sanitizeText } from '../../../src/core/text/sanitize.ts';
import { sanitizeLines } from '../../../src/fronts/terminal/sanitize.ts';
import { desired, observed } from '../../core/builders.ts';
import { cli, FAILED, ROLLED } from './fakes.ts';

const START: Step = { kind: 'start', container: 'b', name: 'web.swapctl-next' };
const HEALTHY: Step = { kind: 'await-healthy', container: 'b', name: 'web.swapctl-next' };
const RENAME: Step = { kind: 'rename', container: 'a', name: 'web', to: 'web.swapctl-old' };
const KEEP: Step = { kind: 'keep-image', image: 'sha256:1', reference: 'swapctl-rollback/web:1' };
const REMEMBER: Step = {
  kind: 'remember-failure',
  roll: 'r1',
  container: 'b',
  name: 'web.swapctl-next',
  code: 'not-healthy',
  reason: 'exit code 1',
};

const step = (step: Step, slot = 'web', phase = phaseOfStep(step, 'start-first')): Progress => ({
  kind: 'step',
  slot,
  step,
  strategy: 'start-first',
  phase,
});
const done = (step: Step, ms = 300, slot = 'web'): Progress => ({ kind: 'done', slot, step, ms });
const end = (error?: ErrorCode, slot = 'web'): Progress => ({ kind: 'end', slot, error });
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
  { kind: 'slot', slot: 'web', strategy: 'start-first', because: 'nothing is exclusive' },
  step(START),
  { kind: 'probe', slot: 'web', container: 'web.swapctl-next', output: 'refused' },
  { kind: 'debug', text: 'web: a detail' },
  done(START),
  step(HEALTHY),
  done(HEALTHY, 1900),
  step(RENAME),
  done(RENAME, 12),
  end(),
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

/** The lines that stay on a terminal: drawings are erased. */
function remaining(stderr: string): string[] {
  return stderr
    .replace(/\x1b\[\?\d+[hl]/g, '')
    .split('\n')
    .map((line) => line.split(/\x1b\[1G\x1b\[K/).at(-1) ?? '')
    .filter((line) => line !== '');
}

// Hides times that a test can't know.
const timeless = (text: string): string => text.replace(/\d+\.\d s$/gm, 'N s');

test('a pipe gets one plain line for each phase, with its time', async () => {
  assert.equal(
    timeless(await told([], GOOD)),
    [
      '    ✔ image      pull app:2  N s',
      '==> web: start-first: nothing is exclusive',
      '    ✔ start      create and start the new container of web  N s',
      '    ✔ healthy    wait until the new container of web is healthy  N s',
      '    ✔ switch     send new connections of web to the new container  N s',
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
  const [none, usual] = await Promise.all(
    [0, 80].map(async (columns) => timeless(await told([], GOOD, { ...TERMINAL, columns }))),
  );
  assert.equal(none, usual);
});

test('a phase of several steps says which one it is at', async (context) => {
  context.mock.timers.enable({ apis: ['Date', 'setInterval'], now: 1_000_000 });
  const meanwhile = (report: (progress: Progress) => void) => {
    report(step(HEALTHY));
    report({ kind: 'probe', slot: 'web', container: 'web.swapctl-next', output: 'refused' });
    report(step(RENAME));
    for (let second = 0; second < 10; second++) context.mock.timers.tick(1000);
    report(end());
  };
  const { stderr } = await cli(['roll', 'web'], { roll: [ROLLED], meanwhile });
  assert.match(stderr, /… switch {5}send .*; rename web to web\.swapctl-old {2}\(10 s so far\)\n/);
});

test('a phase that takes long says now and then what it waits for', async (context) => {
  context.mock.timers.enable({ apis: ['Date', 'setInterval'], now: 1_000_000 });
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
    for (const one of GOOD.slice(3, 8)) report(one);
    report(step(HEALTHY));
    report({ kind: 'waiting', slot: 'web', what: 'at most 60 s more' });
    report({ kind: 'probe', slot: 'web', container: 'web.swapctl-next', output: 'trying\nrefused\n' });
    for (let second = 0; second < 18; second++) context.mock.timers.tick(1000);
    report(done(HEALTHY));
    report(end());
  };
  const { stderr } = await cli(['roll', 'web'], { roll: [ROLLED], meanwhile });
  assert.deepEqual(stderr.split('\n'), [
    '    … image      pull app:2; 1 of 3 layers, 9.0 of 80.0 MB  (10 s so far)',
    '    … image      pull app:2; 1 of 3 layers, 19.0 of 80.0 MB  (20 s so far)',
    '    ✔ image      pull app:2  1.5 s',
    '==> web: start-first: nothing is exclusive',
    '    ✔ start      create and start the new container of web  0.0 s',
    '    … healthy    wait until the new container of web is healthy; at most 60 s more; refused  (15 s so far)',
    '    ✔ healthy    wait until the new container of web is healthy  18 s',
    '',
  ]);
});

test('--verbose adds probes, details and the time of every step', async () => {
  const stderr = await told(['--verbose'], GOOD);
  assert.match(
    stderr,
    /==> web: start web\.swapctl-next\n {4}web: the health check of web\.swapctl-next said:\n {6}refused\n {4}web: a detail\n {4}web: start web\.swapctl-next: 300 ms\n/,
  );
});

test('--trace and NODE_DEBUG add calls and decisions to whatever is shown else', async () => {
  const traced: Progress[] = [
    { kind: 'call', to: 'engine', what: 'GET /containers/json', status: '200', ms: 3.4 },
    { kind: 'decision', slot: 'web', desired: desired(), seen: observed(), decision: { kind: 'act', step: START } },
  ];
  const expected =
    /^trace +0\.\d{3} engine: GET \/containers\/json: 200, 3 ms\ntrace +0\.\d{3} web: saw .*; reason: it does not run yet\n$/;
  assert.match(await told(['--trace'], traced), expected);
  assert.match(await told(['--trace', '--quiet'], traced), expected);
  assert.match(await told([], traced, { env: { NODE_DEBUG: 'http, SWAPCTL' } }), expected);
  for (const argv of [[], ['--verbose']])
    assert.equal(await told(argv, traced, { env: { NODE_DEBUG: 'http' } }), '', 'only if it is asked for');
  assert.match(await told(['--trace'], GOOD, TERMINAL), /✔ start {6}create/);
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

test('on a terminal finished phases stay as lines with their time', async () => {
  const stderr = await told([], GOOD, TERMINAL);
  assert.deepEqual(remaining(stderr).map(timeless), [
    '✔ image      pull app:2  N s',
    'web  start-first',
    '  nothing is exclusive',
    '✔ start      create and start the new container of web  N s',
    '✔ healthy    wait until the new container of web is healthy  N s',
    '✔ switch     send new connections of web to the new container  N s',
  ]);
  assert.match(stderr, /\x1b\[\?25h[\s\S]*$/, 'the cursor is shown again');
});

test('the spinner shows layers and megabytes of a pull, and after a while the time', async () => {
  const meanwhile = async (report: (progress: Progress) => void) => {
    GOOD.slice(0, 2).forEach(report);
    await new Promise((resolve) => setTimeout(resolve, 1200));
  };
  const { stderr } = await cli(['roll', 'web'], { roll: [ROLLED], meanwhile, ...TERMINAL });
  assert.match(stderr, /⠙ image {6}pull app:2; 1 of 3 layers, 12\.5 of 80\.0 MB/);
  assert.match(stderr, /80\.0 MB {2}\d+ s/);
});

test('a phase after which the roll is undone gets a cross, and the evidence beneath', async () => {
  const progress = [step(HEALTHY), done(HEALTHY, 30_000), step(REMEMBER), EVIDENCE, done(REMEMBER, 20)];
  for (const [error, sign] of [
    ['not-healthy', '✔'],
    ['attention', '✘'],
  ] as const) {
    const stderr = await told([], [...progress, end(error)], { ...TERMINAL, roll: [FAILED] });
    assert.deepEqual(remaining(stderr).map(timeless), [
      '✘ healthy    wait until the new container of web is healthy  N s',
      '    last health output of web:',
      '      exit 1: refused',
      '    last log lines of web:',
      '      info up',
      '      two',
      '      lines\\x07',
      `${sign} undo       put web back as it was  N s`,
    ]);
  }
});

test('a phase that did not come to its end gets a cross', async () => {
  for (const last of [[], [end('busy')]])
    assert.deepEqual(remaining(await told([], [step(START), ...last], TERMINAL)).map(timeless), [
      '✘ start      create and start the new container of web  N s',
    ]);
});

test('a step that is tried again, and one of no phase, open no phase', async () => {
  const again: Progress[] = [step(START), step(START), done(START), step(KEEP, 'web', 'start'), done(KEEP), end()];
  assert.equal(remaining(await told([], again, TERMINAL)).length, 1);
});

test('containers that move along with another one are part of its phase', async () => {
  const move: Step = { kind: 'move-dependents', names: ['sidecar'], from: 'a', to: 'b' };
  const other: Step = { kind: 'start', container: 'c', name: 'sidecar' };
  const progress = [step(RENAME), step(move, 'web', 'switch'), step(other, 'sidecar'), done(other, 1, 'sidecar')];
  const told = await printedLines([...progress, end(undefined, 'sidecar'), done(move), end()]);
  assert.deepEqual(told, ['✔ switch     send new connections of web to the new container  N s']);
});

async function printedLines(progress: readonly Progress[]): Promise<string[]> {
  return remaining(await told([], progress, TERMINAL)).map(timeless);
}

test('notes and several slots at once do not spoil the drawing', async () => {
  const other: Step = { kind: 'start', container: 'c', name: 'db.swapctl-next' };
  const progress: Progress[] = [
    step(START),
    step(other, 'db'),
    { kind: 'note', text: 'a \x1b[2Jnote' },
    done(START),
    end(),
    done(other, 100, 'db'),
    end(undefined, 'db'),
  ];
  assert.deepEqual(await printedLines(progress), [
    '! a note',
    '✔ start      create and start the new container of web  N s',
    '✔ start      create and start the new container of db  N s',
  ]);
});

test('the drawing is no wider than the terminal', async () => {
  const stderr = await told([], [step(START, 'a'.repeat(200))], { ...TERMINAL, columns: 50 });
  const drawn = stderr.split(/\x1b\[[?\d]*[a-zA-Z]|\n/).filter((part) => /^[⠋⠙⠹]/.test(part));
  assert.ok(drawn.length > 0);
  for (const part of drawn) assert.ok([...part].length <= 50, part);
});

test('short commands draw nothing on a terminal', async () => {
  const { stderr } = await cli(['status'], { status: [], ...TERMINAL });
  assert.equal(stderr, '');
});

test('sanitized text has no control characters', () => {
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
  for (const [text, expected] of cases) assert.equal(sanitizeText(text), expected);
  for (let code = 0; code < 0x10000; code++)
    assert.doesNotMatch(sanitizeText(`\x1b${String.fromCharCode(code)}`), /[\x00-\x1f\x7f-\x9f]/);
  assert.deepEqual(sanitizeLines('a\r\n\r\nb\x1b[2K\rc'), ['a', 'b', 'c']);
});
