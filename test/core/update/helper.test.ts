import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { EngineError } from '../../../src/core/model/engine-error.ts';
import {
  endsWithRun,
  helperArgs,
  helperCommand,
  judgeHelper,
  judgeRefusedHelper,
} from '../../../src/core/update/helper.ts';

const CALL = {
  program: ['/usr/bin/node', '/app/swapctl.js'],
  args: ['--config', 'x.yml', 'watch', '--all'],
  options: [],
};
const WANTED = ['roll', 'own'];

describe('how a helper calls swapctl', () => {
  for (const [what, config, expected] of [
    ['as the image does', { Entrypoint: ['swapctl'], Cmd: [...CALL.args] }, { Cmd: WANTED }],
    ['as the command does', { Cmd: ['node', 'swapctl.js', ...CALL.args] }, { Cmd: ['node', 'swapctl.js', ...WANTED] }],
    [
      'as an entrypoint with arguments',
      { Entrypoint: ['swapctl', ...CALL.args] },
      { Entrypoint: ['swapctl', ...WANTED], Cmd: [] },
    ],
    ['where it is now, in a script', { Cmd: ['sh', '-c', 'swapctl watch'] }, { Entrypoint: CALL.program, Cmd: WANTED }],
    ['where it is now, by docker exec', { Cmd: ['sleep', '9'] }, { Entrypoint: CALL.program, Cmd: WANTED }],
  ] as const)
    test(what, () => {
      const own = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, [...value]]));
      assert.deepEqual(helperCommand(own, CALL, WANTED), expected);
    });

  test('with the options, the image and the settings of this run', () => {
    const image = { follows: 'app:1', id: 'sha256:1', digest: 'sha256:2' };
    const overrides = { settle: '1s', 'drain.timeout': '2s', 'drain.idle': 'false', rehearsal: 'false' };
    const args = helperArgs({ ...CALL, options: ['--config', 'x.yml'] }, 'own', image, { force: true, overrides });
    assert.deepEqual(
      args.join(' '),
      '--config x.yml roll own --image app:1 --digest sha256:2 --settle 1s --drain-timeout 2s --no-drain-idle --no-rehearsal --notify --json --quiet --force',
    );
  });
});

test('a container that ends with the run is none to be replaced', () => {
  const once = { args: ['update', '--all'] };
  assert.equal(endsWithRun({ Entrypoint: ['swapctl'], Cmd: ['update', '--all'] }, once), true);
  for (const daemon of ['watch', 'serve'])
    assert.equal(endsWithRun({ Entrypoint: ['swapctl'], Cmd: [daemon] }, { args: [daemon] }), false);
  assert.equal(endsWithRun({ Cmd: ['sh', '-c', 'while true; do swapctl update --all; sleep 900; done'] }, once), false);
});

describe('what the end of a helper means', () => {
  const judged = (exitCode: number, ...lines: string[]) => {
    const { report, note } = judgeHelper('own', 'own.helper', { exitCode, lines });
    return [report.outcome, report.error?.code, note, report.by];
  };
  const document = (content: object): string => JSON.stringify(content);
  const unhealthy = { outcome: 'failed', timings: { total: 5 }, error: { code: 'not-healthy', message: 'it ended' } };

  for (const [what, ended, expected] of [
    [
      'a roll',
      [0, document({ outcome: 'rolled', timings: { total: 5 } })],
      ['rolled', undefined, undefined, 'own.helper'],
    ],
    [
      'a roll that failed, whatever came of the next tries',
      [1, 'noise', document(unhealthy), document({ error: { code: 'known-bad', message: 'no' } })],
      ['failed', 'not-healthy', undefined, 'own.helper'],
    ],
    [
      'somebody else',
      [4, document({ error: { code: 'busy', message: 'no' } })],
      ['failed', 'busy', undefined, undefined],
    ],
    [
      'an image that has no such option',
      [2, document({ error: { code: 'usage', message: 'no' } })],
      ['failed', 'bad-image', 'not-healthy', undefined],
    ],
    [
      'a configuration that it refuses',
      [2, document({ error: { code: 'config', message: 'swapctl.yml:3: no such setting' } })],
      ['failed', 'config', undefined, undefined],
    ],
    [
      'a service that it does not find',
      [2, document({ error: { code: 'not-found', message: 'no' } })],
      ['failed', 'not-found', undefined, undefined],
    ],
    [
      'an image that crashes',
      [1, 'Error: no such module', 'Node.js'],
      ['failed', 'bad-image', 'not-healthy', undefined],
    ],
    ['an image without the program', [127], ['failed', 'bad-image', 'not-healthy', undefined]],
    ['one that was killed', [137, '{"outcome":'], ['failed', 'interrupted', undefined, undefined]],
    ['one that somebody took away', [0], ['failed', 'interrupted', undefined, undefined]],
  ] as const)
    test(what, () => {
      const [exitCode, ...lines] = ended;
      assert.deepEqual(judged(exitCode, ...lines), expected);
    });

  for (const [what, error, expected] of [
    [
      'the image has no such program',
      new EngineError(400, 'runc create failed: unable to start container process: exec: "x": not found'),
      ['bad-image', 'not-healthy'],
    ],
    ['a mount is gone', new EngineError(500, 'crun: cannot stat `/srv/gone`'), ['cannot-start', 'cannot-start']],
    ['the engine is away', new EngineError(0, 'socket hang up'), ['cannot-start', undefined]],
  ] as const)
    test(`it was not started: ${what}`, () => {
      const { report, note } = judgeRefusedHelper('own', error, undefined);
      assert.deepEqual([report.error?.code, note], expected);
      assert.ok(report.error?.message.includes(error.message));
    });

  test('something else can be the cause: the image is not rejected, and tried again', () => {
    const cause = '/scripts/run is in a mount, not in the image';
    const { report, note } = judgeHelper('own', 'own.helper', { exitCode: 127, lines: [], cause });
    assert.deepEqual([report.error?.code, note], ['unproven', 'unproven']);
    assert.match(report.error?.message ?? '', /exit code 127; but \/scripts\/run is in a mount/);
    const words = 'unable to start container process: exec: "/scripts/run": not found';
    const refused = judgeRefusedHelper('own', new EngineError(400, words), cause);
    assert.deepEqual([refused.report.error?.code, refused.note], ['cannot-start', 'cannot-start']);
  });

  test('the line that says why it crashed is told', () => {
    const end = { exitCode: 1, lines: ['at x', 'Error: no such module', 'Node.js v20'] };
    assert.match(
      judgeHelper('own', 'own.helper', end).report.error?.message ?? '',
      /exit code 1: Error: no such module/,
    );
  });
});
