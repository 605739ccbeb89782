import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { writeHeartbeats } from '../../../src/daemons/watch/heartbeat.ts';

/** A clock that ends the watch after some heartbeats, and a log that keeps its lines. */
function heart(heartbeats: number) {
  const end = new AbortController();
  const told: string[] = [];
  const slept: number[] = [];
  let at = Date.UTC(2026, 0, 1);
  const clock = {
    now: () => at,
    sleep: async (ms: number) => {
      slept.push(ms);
      at += ms;
      if (slept.length === heartbeats) end.abort();
    },
  };
  const log = { write: (level: string, text: string) => void told.push(`${level} ${text}`) };
  return { heart: { clock, log, signal: end.signal }, told, slept };
}

test('the time is written every ten seconds, until the watch ends', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-heart-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { heart: own, told, slept } = heart(3);
  await writeHeartbeats(path.join(folder, 'beat'), own);
  assert.equal(readFileSync(path.join(folder, 'beat'), 'utf8'), '2026-01-01T00:00:20.000Z\n');
  assert.deepEqual([slept, told], [[10_000, 10_000, 10_000], []]);
});

test('that it can not be written is told once', async () => {
  const { heart: own, told } = heart(3);
  await writeHeartbeats('/no/such/folder/beat', own);
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /^warn the heartbeat can't be written: ENOENT/);
});
