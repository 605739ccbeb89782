// The nft of each suite runs on this machine, whatever its glibc is, and in the network namespaces of others.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { missingDownload, missingRoot } from './missing.ts';
import { NFT_SUITES, nftOf } from './nft.ts';

const noNft = missingDownload('nft-bookworm', 'nft-trixie', 'nft-sid');
const skip = missingRoot() || noNft;

const inNamespace = (command: string, env: NodeJS.ProcessEnv = process.env): string =>
  execFileSync('unshare', ['--net', 'sh', '-euc', command], { env, encoding: 'utf8' });

const RULES = 'add table inet t; add chain inet t c; add rule inet t c tcp dport 80 accept';

for (const suite of NFT_SUITES) {
  test(`nft of ${suite} adds rules and lists them, in a network namespace`, { skip }, () => {
    const { program } = nftOf(suite);
    assert.match(inNamespace(`'${program}' '${RULES}' && '${program}' list ruleset`), /tcp dport 80 accept/);
  });

  test(`nft of ${suite} is found by a PATH that begins with its folder`, { skip }, () => {
    const { program } = nftOf(suite);
    const found = { ...process.env, PATH: `${path.dirname(program)}:${process.env.PATH}` };
    assert.equal(inNamespace('nft --version', found), execFileSync(program, ['--version'], { encoding: 'utf8' }));
  });
}

test('they are three versions', { skip: noNft }, () => {
  const versions = NFT_SUITES.map((suite) => execFileSync(nftOf(suite).program, ['--version'], { encoding: 'utf8' }));
  assert.equal(new Set(versions).size, 3, versions.join());
});
