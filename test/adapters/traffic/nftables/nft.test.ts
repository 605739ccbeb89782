// The ways in which nft can fail, and the kinds of rules that remain. The nft on PATH is a fake only for faults that a real one does not
// show at will: refuse one kind of rules, hang, and die.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { troubleOf } from '../../../../src/adapters/traffic/nftables/nft.ts';
import { whatIsTaken } from '../../../../src/adapters/traffic/nftables/taken.ts';
import { runProgram } from '../../../../src/adapters/traffic/program.ts';
import { adviceOn, describeTrouble, type RuleTrouble } from '../../../../src/core/traffic/kernel-layer.ts';
import { NFT_SUITES, nftOf } from '../../../lab/nft.ts';

const TIMEOUT_MS = 60_000;
const isRoot = process.getuid?.() === 0;
const unable = isRoot ? false : 'rules take root';

async function troubleWith(program: string, args: string[], input = '', withinMs = TIMEOUT_MS): Promise<RuleTrouble> {
  const trouble = troubleOf(await runProgram(program, args, input, withinMs), false);
  assert.ok(trouble);
  return trouble;
}

/** Puts a program first on PATH during a test. */
function first(t: TestContext, folder: string): void {
  const before = process.env.PATH;
  process.env.PATH = `${folder}:${before}`;
  t.after(() => {
    process.env.PATH = before;
  });
}

function fakeNft(t: TestContext, script: string): void {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-nft-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, 'nft'), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(folder, 'nft'), 0o755);
  first(t, folder);
}

for (const suite of NFT_SUITES) {
  test(`the nft of ${suite} takes every kind of rules, as the trial before a roll tells`, {
    skip: unable,
  }, async (t) => {
    first(t, path.dirname(nftOf(suite).program));
    assert.deepEqual(await whatIsTaken(), { kind: 'some', refused: {} });
  });
}

test('an nft that is not there is missing', async () => {
  const trouble = await troubleWith('nft-that-nobody-has', []);
  assert.equal(describeTrouble(trouble), 'the program nft is missing');
  assert.equal(adviceOn(trouble), 'install the package nftables');
});

test('the nft of bookworm dies where a newer one has written a set by its type, and that is said', {
  skip: unable,
}, async () => {
  const [newer, older] = [nftOf('trixie').program, nftOf('bookworm').program];
  const set = 'add table inet t; add set inet t s { type inet_service; }';
  const trouble = await troubleWith('unshare', ['--net', 'sh', '-ec', `'${newer}' '${set}'; '${older}' list tables`]);
  assert.deepEqual(trouble, { kind: 'killed', signal: 'SIGSEGV' });
  assert.equal(describeTrouble(trouble), 'nft died by SIGSEGV');
  assert.match(adviceOn(trouble), /install nftables 1\.1\.3 or newer/);
});

test('an nft without the right to set rules is not permitted', { skip: unable }, async () => {
  const args = ['--bounding-set=-net_admin', '--inh-caps=-net_admin', nftOf('sid').program, '-c', '-f', '-'];
  const trouble = await troubleWith('setpriv', args, 'table inet t\n');
  assert.equal(trouble.kind, 'forbidden');
  assert.match(describeTrouble(trouble), /^nft is not permitted to set rules \(.*Operation not permitted/);
  assert.match(adviceOn(trouble), /root, with CAP_NET_ADMIN/);
});

test('a refusal is told in the words of nft, with the rule', { skip: unable }, async () => {
  const rules = 'table inet t {\n chain c {\n  meta l4proto @no accept\n }\n}\n';
  const trouble = await troubleWith(nftOf('sid').program, ['-c', '-f', '-'], rules);
  assert.equal(describeTrouble(trouble), 'nft refuses the rules (No such file or directory: meta l4proto @no accept)');
});

test('a network namespace that can not be entered is closed', async () => {
  const trouble = await troubleWith('nsenter', ['--net=/proc/0/ns/net', 'nft', 'list', 'tables']);
  assert.equal(trouble.kind, 'closed');
  assert.match(describeTrouble(trouble), /^the network of a container can't be entered \(nsenter: /);
});

test('an nft that hangs is killed, and that is said', async () => {
  const trouble = await troubleWith('sh', ['-c', 'sleep 600 & wait'], '', 100);
  assert.equal(describeTrouble(trouble), 'nft did not end within 0.1 s');
});

test('an nft that dies keeps all kinds of rules from us', { skip: unable }, async (t) => {
  fakeNft(t, 'kill -SEGV $$');
  assert.deepEqual(await whatIsTaken(), { kind: 'nothing', trouble: { kind: 'killed', signal: 'SIGSEGV' } });
});

const REFUSALS = {
  gate: 'reject with tcp reset',
  'address redirect': 'ether daddr set',
  'port redirect': 'redirect to',
  'connection share': 'jhash',
};

for (const [kind, rule] of Object.entries(REFUSALS)) {
  test(`an nft that refuses the rules of the ${kind} leaves the other kinds`, { skip: unable }, async (t) => {
    const words = '/dev/stdin:1:1-2: Error: this rule is beyond me';
    const real = nftOf('sid').program;
    fakeNft(
      t,
      `rules=$(cat); case "$rules" in *'${rule}'*) echo '${words}' >&2; exit 1;; esac; echo "$rules" | '${real}' "$@"`,
    );
    const trouble = { kind: 'refused', words: 'this rule is beyond me' };
    // Shares are of the two redirects.
    const refused = { [kind]: trouble, ...(kind !== 'gate' && { 'connection share': trouble }) };
    assert.deepEqual(await whatIsTaken(), { kind: 'some', refused });
  });
}

test('an nft without JSON keeps all kinds of rules from us', { skip: unable }, async (t) => {
  const words = 'JSON support not compiled-in';
  fakeNft(t, `case "$1" in -j) echo '${words}' >&2; exit 1;; esac; exec '${nftOf('sid').program}' "$@"`);
  const trouble = { kind: 'refused', words } as const;
  assert.deepEqual(await whatIsTaken(), { kind: 'nothing', trouble });
  assert.match(adviceOn(trouble), /install an nft with JSON support/);
});

test('where nothing is refused the trial takes two processes at once', { skip: unable }, async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-nft-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const log = path.join(folder, 'log');
  fakeNft(t, `echo "$*" >> '${log}'; exec '${nftOf('sid').program}' "$@"`);
  await whatIsTaken();
  assert.deepEqual(readFileSync(log, 'utf8').trim().split('\n').sort(), ['-c -f -', '-j list tables inet']);
});
