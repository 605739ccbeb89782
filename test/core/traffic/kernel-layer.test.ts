import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type KernelLayer,
  layerNotes,
  type RuleTrouble,
  whyNoHandover,
  whyNoRules,
} from '../../../src/core/traffic/kernel-layer.ts';

const REFUSED: RuleTrouble = { kind: 'refused', words: 'conflicting protocols: meta l4proto @live' };
const CRASHED: RuleTrouble = { kind: 'killed', signal: 'SIGSEGV' };

const without = (trouble: RuleTrouble): KernelLayer => ({
  available: false,
  why: 'nft died by SIGSEGV: do this',
  trouble,
});

test('where nft takes all rules there is nothing to note', () => {
  const layer: KernelLayer = { available: true };
  assert.deepEqual(layerNotes(layer, true), []);
  assert.equal(whyNoRules(layer, 'gate'), undefined);
  assert.equal(whyNoHandover(layer), undefined);
});

test('a refused kind of rules is a note in the words of nft, and the other kinds are still there', () => {
  const layer: KernelLayer = { available: true, refused: { 'address redirect': REFUSED } };
  const why = 'nft refuses the rules (conflicting protocols: meta l4proto @live)';
  assert.deepEqual(layerNotes(layer, true), [
    `no address redirect: ${why}; clients that keep an old container's address fail once it has stopped`,
  ]);
  assert.equal(whyNoRules(layer, 'address redirect'), why);
  assert.equal(whyNoRules(layer, 'gate'), undefined);
  assert.equal(whyNoHandover(layer), undefined);
});

test('a refused port redirect concerns only who publishes fixed ports', () => {
  const layer: KernelLayer = { available: true, refused: { 'port redirect': REFUSED } };
  assert.equal(layerNotes(layer, true).length, 1);
  assert.deepEqual(layerNotes(layer, false), []);
  assert.match(whyNoHandover(layer) ?? '', /^nft refuses the rules/);
});

test('an nft that dies or hangs is a note, one that is not there or not permitted is not', () => {
  for (const trouble of [CRASHED, { kind: 'timeout', afterMs: 30_000 }] as const) {
    assert.deepEqual(layerNotes(without(trouble), true), [
      'no port redirect, gate and address redirect: nft died by SIGSEGV: do this',
    ]);
    assert.deepEqual(layerNotes(without(trouble), false), [
      'no gate and address redirect: nft died by SIGSEGV: do this',
    ]);
  }
  for (const trouble of [
    { kind: 'missing', program: 'nft' },
    { kind: 'forbidden', words: 'Operation not permitted' },
  ] as const) {
    assert.deepEqual(layerNotes(without(trouble), true), []);
  }
});

test('what is out of reach for other reasons is no note', () => {
  assert.deepEqual(layerNotes({ available: false, why: 'the engine does not run on this machine' }, true), []);
});
