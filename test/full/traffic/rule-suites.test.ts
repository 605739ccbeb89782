// The nft of Debian 12, of Debian 13 and of sid accept every rule script, and each reads the others' rules.
import assert from 'node:assert/strict';
import test from 'node:test';
import { examples } from '../../../src/adapters/traffic/nftables/examples.ts';
import { NFT_SUITES, type NftSuite } from '../../lab/nft.ts';
import { expectedFacts, type Trial, tryOut } from './rule-suites.ts';

const ALL = examples(true);
const unable = process.getuid?.() === 0 ? false : 'making a network namespace and rules takes root';

const trials: Trial[] = [];

for (const creator of NFT_SUITES) {
  test(`rules begun by the nft of ${creator} are continued by each and read by each`, { skip: unable }, () => {
    const made = NFT_SUITES.flatMap((continuer) => ALL.flatMap((one) => tryOut(one, creator, continuer)));
    trials.push(...made);
    for (const trial of made) assertGood(trial);
  });
}

test('every script × who loads it × who reads it', { skip: unable }, (t) => {
  for (const line of tableOf(trials)) t.diagnostic(line);
  assert.equal(new Set(trials.map(({ writer }) => writer)).size, NFT_SUITES.length);
});

function assertGood({ example, builder, creator, writer, loaded, readers }: Trial): void {
  const what = `${builder} of ${example} by ${writer}, begun by ${creator}`;
  assert.equal(loaded.status, 0, `${what}: ${loaded.words}`);
  const subject = ALL.find(({ name }) => name === example);
  assert.ok(subject);
  for (const { suite, status, words, facts } of readers) {
    assert.equal(status, 0, `${what}, listed by ${suite}: ${words}`);
    assert.deepEqual(facts, expectedFacts(subject, builder), `${what}, read by ${suite}`);
  }
}

/** One line per script; `ok ooo`: loaded by that one, for every creator, and read by bookworm, trixie and sid. A failure is an x. */
function tableOf(all: readonly Trial[]): string[] {
  const cellOf = (found: readonly Trial[]): string => {
    const loaded = found.every(({ loaded: { status } }) => status === 0) ? 'ok' : 'x ';
    const isRead = (suite: NftSuite): boolean =>
      found.every(({ readers }) => readers.find((one) => one.suite === suite)?.status === 0);
    return `${loaded} ${NFT_SUITES.map((suite) => (isRead(suite) ? 'o' : 'x')).join('')}`.padEnd(9);
  };
  const title = ({ example, builder }: Trial): string => `${example}: ${builder}`;
  const head = `${'loaded by'.padEnd(56)} ${NFT_SUITES.map((suite) => suite.padEnd(9)).join(' ')}`;
  const rows = [...new Set(all.map(title))].map((row) => {
    const cells = NFT_SUITES.map((suite) => cellOf(all.filter((one) => title(one) === row && one.writer === suite)));
    return `${row.padEnd(56)} ${cells.join(' ')}`;
  });
  return [head, ...rows];
}
