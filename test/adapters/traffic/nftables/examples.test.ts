// Every rule script and every set is among the examples, which test/full/traffic/rule-suites.test.ts loads.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { examples } from '../../../../src/adapters/traffic/nftables/examples.ts';

const ALL = examples(true);

test('no script and no set is left out of the examples', () => {
  const folder = new URL('../../../../src/adapters/traffic/nftables/', import.meta.url);
  const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));
  const builders = sources.flatMap((source) =>
    [...source.matchAll(/export function (\w+Script)\(/g)].map(([, name]) => name),
  );
  const tried = new Set(ALL.flatMap(({ scripts }) => scripts.map(([builder]) => builder)));
  assert.deepEqual([...tried].sort(), builders.sort());
  // A Script is made by script() alone, which only builders call.
  const made = sources.flatMap((source) => [...source.matchAll(/\breturn script\(/g)]).length;
  const called = sources.flatMap((source) => [...source.matchAll(/(?<!function )\bscript\(/g)]).length;
  assert.deepEqual([made, called], [builders.length, builders.length]);
});

test('the type of every set is told by typeof', () => {
  const text = ALL.flatMap(({ scripts }) => scripts.map(([, script]) => script)).join('');
  const sets = text.match(/^ *(set|map) .*\{/gm) ?? [];
  assert.ok(sets.length > 0);
  assert.equal(text.match(/\btypeof /g)?.length, sets.length);
  assert.deepEqual([...new Set(text.match(/\btype (?!local)\w+/g))].sort(), ['type filter', 'type nat']);
});
