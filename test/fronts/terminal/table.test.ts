import assert from 'node:assert/strict';
import test from 'node:test';
import { styleFor } from '../../../src/fronts/terminal/style.ts';
import { table } from '../../../src/fronts/terminal/table.ts';
import { clip, visibleWidth, wrapped } from '../../../src/fronts/terminal/width.ts';

const PLAIN = styleFor(false, {}, false);
const FAMILY = '👩‍👩‍👧';

test('columns stay aligned behind letters that take two columns, and behind none', () => {
  const rows = [{ name: '日本' }, { name: 'e\u0301t\u00e9' }, { name: FAMILY }, { name: 'web' }];
  const columns = [
    { title: 'NAME', cell: ({ name }: { name: string }) => name },
    { title: 'STATE', cell: () => 'runs' },
  ];
  assert.deepEqual(table(rows, columns, { width: 80, style: PLAIN, now: 0 }), [
    'NAME  STATE',
    '日本  runs',
    'e\u0301t\u00e9   runs',
    `${FAMILY}    runs`,
    'web   runs',
  ]);
});

test('a cut text is no wider than its column, and no letter is cut in two', () => {
  for (const [text, width, expected] of [
    ['application', 5, 'appl…'],
    ['日本語', 6, '日本語'],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日…'],
    [`${FAMILY}${FAMILY}`, 3, `${FAMILY}…`],
    ['web', 0, '…'],
  ] as const)
    assert.equal(clip(text, width), expected);
});

test('a long text without width is cut in time', () => {
  assert.equal(visibleWidth(clip(`${'\u0301'.repeat(100_000)}${'a'.repeat(10)}`, 5)), 5);
});

test('colours take no columns, and are written for a stream that is not stdout', () => {
  const { bold, red } = styleFor(true, {}, true);
  assert.equal(bold('a'), '\x1b[1ma\x1b[22m');
  assert.equal(visibleWidth(red('日本')), 4);
  assert.deepEqual(wrapped(`${red('日本')} web db`, 8), [`${red('日本')} web`, 'db']);
});
