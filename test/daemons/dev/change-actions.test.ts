import assert from 'node:assert/strict';
import test from 'node:test';
import { type Change, parseDevRules } from '../../../src/core/build/develop.ts';
import { actionsOf, NOTHING, together } from '../../../src/daemons/dev/change-actions.ts';

const RULES = parseDevRules(
  'rebuild package.json; sync src /app/src; sync+restart conf /etc/app; sync+signal tpl /tpl signal=HUP; sync+exec gen /gen exec=make; restart flag',
  '/p',
  'rules',
);
/** The trees of another service come first. */
const FIRST = 3;
const changed = (tree: number, path: string, removed = false): Change => ({
  path: `/p/${path}`,
  removed,
  trees: [FIRST + tree],
});

test('each change calls for what its rule says', () => {
  const { rebuild, action } = actionsOf(RULES, FIRST, [
    changed(1, 'src/a.js'),
    changed(1, 'src/old.js', true),
    changed(3, 'tpl/x'),
    changed(3, 'tpl/y'),
    changed(4, 'gen/in'),
  ]);
  assert.equal(rebuild, false);
  assert.deepEqual(
    action.files.map(({ path, target, removed }) => [path, target, removed]),
    [
      ['/p/src/a.js', '/app/src/a.js', false],
      ['/p/src/old.js', '/app/src/old.js', true],
      ['/p/tpl/x', '/tpl/x', false],
      ['/p/tpl/y', '/tpl/y', false],
      ['/p/gen/in', '/gen/in', false],
    ],
  );
  assert.deepEqual(action.signals, ['SIGHUP']);
  assert.deepEqual(action.execs, [{ command: ['/bin/sh', '-c', 'make'] }]);
  assert.equal(action.restart, false);
});

test('a restart copies nothing, and sync+restart does both', () => {
  assert.deepEqual(actionsOf(RULES, FIRST, [changed(5, 'flag')]).action, { ...NOTHING, restart: true });
  const { action } = actionsOf(RULES, FIRST, [changed(2, 'conf/a')]);
  assert.deepEqual([action.restart, action.files.length], [true, 1]);
});

test('a rebuild makes everything else needless', () => {
  const found = actionsOf(RULES, FIRST, [changed(1, 'src/a.js'), changed(0, 'package.json')]);
  assert.deepEqual(found, { rebuild: true, action: NOTHING });
});

test('the trees of others are none of its business', () => {
  assert.deepEqual(actionsOf(RULES, FIRST, [{ path: '/p/x', removed: false, trees: [0, 2] }]), {
    rebuild: false,
    action: NOTHING,
  });
});

test('of several the last state of each file counts, and everything else is done once', () => {
  const one = actionsOf(RULES, FIRST, [changed(1, 'src/a.js'), changed(3, 'tpl/x')]).action;
  const two = actionsOf(RULES, FIRST, [changed(1, 'src/a.js', true), changed(3, 'tpl/x'), changed(5, 'flag')]).action;
  const both = together([one, two]);
  assert.deepEqual(
    both.files.map(({ target, removed }) => [target, removed]),
    [
      ['/app/src/a.js', true],
      ['/tpl/x', false],
    ],
  );
  assert.deepEqual([both.signals, both.restart], [['SIGHUP'], true]);
});
