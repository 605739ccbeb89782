// Any text on the command line and in the output: it ends with a message, touches nothing, and no terminal obeys it.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { anyText } from '../../lab/hostile.ts';
import { cli, FINDINGS, type Given, HISTORY, PLAN, RECOVERED, REPLICA, ROLLED } from './fakes.ts';

const RUNS = process.env.SWAPCTL_TEST_LONG === '1' ? 5000 : 150;
// All but the line break, which ends each line of ours.
const OBEYED = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const EVIL = 'a\x1b]0;owned\x07\x1b[2Jb\r\nc\x9b31m\u202e\x00d';

const WORDS =
  'roll plan status check rollback history recover doctor web --image --settle --keep --pull --strategy --json --force --quiet --verbose --host --context --with-volumes --no-rehearsal -- -x --settle=1s --keep=0 help';

test('whatever is on the command line, it is done or refused with 2, without a stack', async () => {
  const word = fc.oneof(
    { arbitrary: fc.constantFrom(...WORDS.split(' ')), weight: 3 },
    { arbitrary: anyText, weight: 1 },
  );
  const env = fc.constantFrom({}, { NO_COLOR: '1' }, { FORCE_COLOR: '9' }, { TERM: '\x1b[31m' });
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), env, async (argv, env) => {
      const { status, stdout, stderr, calls } = await cli(argv, { ...ANSWERS, env });
      assert.ok([0, 2].includes(status), `${status}: ${stderr}`);
      assert.doesNotMatch(stdout + stderr, /\n\s+at /, 'no stack');
      if (status !== 2) return;
      assert.equal(calls.length, 0, 'the engine is asked for nothing');
      assert.notEqual(stderr, '');
      // Our own colours, if they are forced.
      assert.doesNotMatch(stderr.replace(/\x1b\[\d\dm/g, ''), OBEYED);
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

const ANSWERS: Given = {
  roll: [ROLLED],
  plan: [PLAN],
  rollback: ROLLED,
  history: HISTORY,
  status: [REPLICA],
  check: [],
  recover: RECOVERED,
  doctor: FINDINGS,
};

const VIEWS: [string[], Given][] = [
  [['roll', 'web'], { roll: [{ ...ROLLED, error: { code: 'attention', message: 'm', hint: 'h', log: ['l'] } }] }],
  [['rollback', 'web'], { rollback: { ...ROLLED, backup: { volumes: [copyOf('data')], restored: true } } }],
  [['plan', 'web'], { plan: [PLAN] }],
  [['status'], { status: [REPLICA] }],
  [
    ['history', 'web'],
    { history: { ...HISTORY, backups: [{ at: 'x', slot: 'web', image: 'i', volumes: [copyOf('v')] }] } },
  ],
  [
    ['recover'],
    {
      recover: [
        ...RECOVERED,
        { service: 's', slot: 's', found: 'f', outcome: 'failed', error: { code: 'attention', message: 'm' } },
      ],
    },
  ],
  [['doctor'], { doctor: FINDINGS }],
  [
    ['check'],
    {
      check: [
        {
          service: 'web',
          outcome: 'unknown',
          from: { image: 'app:1', digest: 'sha256:1' },
          because: 'b',
          error: { code: 'login', message: 'm' },
        },
      ],
    },
  ],
];

for (const [argv, given] of VIEWS) {
  test(`${argv[0]} shows nothing that a terminal would obey, on one or in a pipe`, async () => {
    for (const more of [[], ['--json']]) {
      for (const stdoutIsTty of [true, false]) {
        const { stdout, stderr } = await cli([...argv, '--no-color', ...more], {
          ...spoilt(given),
          stdoutIsTty,
          columns: 60,
        });
        assert.doesNotMatch(stderr, OBEYED);
        assert.doesNotMatch(stdout, OBEYED);
        assert.notEqual(stdout, '');
      }
    }
  });
}

const OF_A = { kind: 'step', slot: 'a', strategy: 'stop-first', phase: 'backup' } as const;

test('progress and failures can do nothing to the terminal either', async () => {
  const meanwhile: Given['meanwhile'] = (report) => {
    const step = { kind: 'stop', container: EVIL, name: EVIL } as const;
    for (const one of [
      { kind: 'note', text: EVIL },
      { kind: 'debug', text: EVIL },
      { kind: 'slot', slot: EVIL, strategy: EVIL, because: EVIL },
      { kind: 'step', slot: EVIL, step, strategy: 'start-first', phase: 'retire' },
      { kind: 'waiting', slot: EVIL, what: EVIL },
      { kind: 'done', slot: EVIL, step, ms: 1 },
      { kind: 'probe', slot: EVIL, container: EVIL, output: EVIL },
      { kind: 'evidence', slot: EVIL, container: EVIL, health: [EVIL], log: [EVIL] },
      { kind: 'resolving', reference: EVIL },
      { kind: 'pulling', reference: EVIL, done: 1, layers: 2, bytes: 1, total: 2 },
      { kind: 'pulled', reference: EVIL, ms: 1 },
      { ...OF_A, step: { kind: 'put-back', backup: EVIL, name: EVIL, copies: [copyOf(EVIL)] } },
      { ...OF_A, slot: 'b', step: { kind: 'back-up', name: EVIL, volumes: [EVIL], roll: EVIL } },
    ] as const)
      report(one);
  };
  for (const verbose of [['--verbose'], []]) {
    const { stderr } = await cli(['roll', 'web', ...verbose, '--no-color'], { ...ANSWERS, meanwhile });
    assert.doesNotMatch(stderr, OBEYED);
    assert.match(stderr, /owned|a.*b c/);
  }
  const raised = await cli(['roll', 'web', '--verbose', '--no-color'], { raise: new Error(EVIL) });
  assert.doesNotMatch(raised.stderr, OBEYED);
});

function copyOf(volume: string) {
  return { volume, copy: `${volume}-copy`, bytes: 1234, files: 1 };
}

// Replaces each text by a harmful one, except those with a meaning for the program.
function spoilt<T>(value: T, key = ''): T {
  if (typeof value === 'string') return (KEPT.has(key) ? value : `${value}${EVIL}`) as T;
  if (Array.isArray(value)) return value.map((one) => spoilt(one, key)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, spoilt(inner, name)])) as T;
}

const KEPT = new Set(['outcome', 'code', 'state', 'phase', 'verdict', 'event', 'health']);
