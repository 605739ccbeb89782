// The picture in the README uses the words that the program prints today; `npm run picture` records it again.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Screen } from '../../demo/picture/screen.ts';
import { svgOf } from '../../demo/picture/svg.ts';
import { describePhase, PHASES } from '../../src/core/report/phase.ts';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

test('the picture shows every phase of a handover in the words of the program', () => {
  const picture = read('docs/roll.svg');
  const optional = ['backup', 'undo'];
  for (const phase of PHASES.handover.filter((one) => !optional.includes(one))) {
    const line = `${phase.padEnd(9)}  ${describePhase(phase, 'shop', 'handover')}`;
    assert.ok(picture.includes(line), `docs/roll.svg has no "${line}": run npm run picture`);
  }
  assert.match(picture, />rolled/);
  assert.match(read('README.md'), /!\[[^\]]+\]\(docs\/roll\.svg\)/);
});

test('a screen has what a terminal shows: drawings that are taken back are gone, colours end', () => {
  const screen = new Screen();
  screen.write('\x1b[?25l\x1b[1G\x1b[36m⠋\x1b[39m pull\x1b[2m 1 s\x1b[22m');
  screen.write('\x1b[1G\x1b[K\x1b[32m✔\x1b[39m pulled\nnext\n\x1b[1A\x1b[KX');
  assert.deepEqual(screen.rows()[0], [
    { text: '✔', style: [32] },
    { text: ' pulled', style: [] },
  ]);
  assert.equal(
    screen
      .rows()[1]
      ?.map(({ text }) => text)
      .join(''),
    'X',
  );
});

test('a line that was taken back is shown for its time, and the last ones for ever', () => {
  const pieces = [
    { at: 100, text: '\x1b[36m⠋\x1b[39m <pull>' },
    { at: 180, text: '\x1b[1G\x1b[K' },
    { at: 181, text: '\x1b[36m⠙\x1b[39m <pull>' },
    { at: 1100, text: '\x1b[1G\x1b[Kdone\n' },
  ];
  const lines = svgOf('swapctl roll shop', pieces, 80).split('\n');
  const shown = lines.filter((line) => line.includes('&lt;pull&gt;'));
  assert.equal(shown.length, 1, 'a spinner that turns is one line');
  assert.match(shown[0] ?? '', /visibility="hidden".*begin="0\.10s" dur="1\.00s"/);
  assert.ok(lines.some((line) => />done</.test(line) && !line.includes(' visibility="hidden"')));
});
