// The engines of the lab beside that of this machine.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { LabError, startEngine } from '../lab/engines.ts';
import { nftVersion } from '../lab/nft.ts';

const skip = process.getuid?.() === 0 ? false : 'starts an engine of its own';
const OWN = { spare: 'lab' } as const;

test('an engine has the nft of its suite, and is joined only by who may', { skip }, async (t) => {
  const engine = await startEngine('trixie', { ...OWN, fresh: true });
  t.after(() => engine.stop());
  assert.match(nftVersion(engine.env), /^nft 1\.1\.3$/);

  await assert.rejects(startEngine('trixie', { ...OWN, fresh: true }), (error: Error) => {
    assert.ok(error instanceof LabError);
    return /runs already.*--join.*engines\.ts down trixie/.test(error.message);
  });
  await assert.rejects(startEngine('trixie', { ...OWN, binaries: '/usr/bin' }), /runs already/);
  const joined = await startEngine('trixie', OWN);
  await joined.stop();
  assert.equal((await engine.docker.ping()).toString(), 'OK', 'who has joined it does not end it');
});

test('programs of a folder are looked for before an engine is touched', { skip }, async (t) => {
  const empty = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-binaries-'));
  t.after(() => rmSync(empty, { recursive: true }));
  for (const binaries of [empty, path.join(empty, 'none')])
    await assert.rejects(startEngine('sid', { ...OWN, binaries }), /there are no programs in /);
});
