// No test fails because the machine is slow: waits go through waiting.ts, and other deadlines are at least a minute.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { root } from '../../scripts/prepare/npm.mjs';
import { eventually, inTime, SAFETY_NET_MS } from './waiting.ts';

const AT_LEAST_MS = 60_000;

/** The usual ways to write a deadline in milliseconds. */
const DEADLINES = [
  /\b(?:timeout|timeoutMs|connectTimeoutMs|withinMs|limitMs)(?: =|:) (\d[\d_]*)/,
  /\b(?:[tT]imeoutMs|withinMs) \?\? (\d[\d_]*)/,
  /\bAbortSignal\.timeout\((\d[\d_]*)/,
  /\.now\(\) \+ (\d[\d_]*)/,
  /\bconst \w*(?:PATIENCE|LIMIT|TIMEOUT|DEADLINE|WITHIN)\w* = (?:\{ \w+: )?(\d[\d_]*)(?![\d_]| \*)/,
  // Attempts of a loop, whatever it sleeps between them.
  /\b(?:tries|attempts?)\b < (\d[\d_]*)/,
];

/** Short ones that nothing waits for in vain. */
const SHORT = {
  'when a client that is measured counts a request as failed': [
    'bench/dev.ts',
    'bench/proxies/clients.ts',
    'bench/traffic.ts',
    'demo/main.ts',
    'test/lab/udp.ts',
  ],
  'one attempt of a wait that goes on': ['bench/version.ts', 'test/chaos/subject.ts', 'test/lab/proxy-scene.ts'],
  'a setting of a health check': [
    'test/engine/recreate/fields.ts',
    'test/engine/traffic/drain.test.ts',
    'test/lab/images.ts',
  ],
  'a time that the kernel is given': ['test/adapters/traffic/nftables/address-redirect-rules.test.ts'],
  'a limit of swapctl that is to be reached': [
    'test/chaos/faults.ts',
    'test/adapters/build/hook-program.test.ts',
    'test/adapters/docker/connect/connect.test.ts',
    'test/adapters/docker/engine/timeouts.test.ts',
    'test/adapters/notify/http.test.ts',
    'test/adapters/notify/mail.test.ts',
  ],
};

test('no wait has a deadline of less than a minute', () => {
  const files = ['test', 'bench', 'demo'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => path.join(folder, file)),
  );
  // Clocks are made up there, and this file has examples.
  const others =
    /^test\/(app|core|daemons|fronts|matrix|memory)\/|^test\/contract\/swarm\.test|^test\/lab\/waiting\.test\.ts$/;
  const real = files.filter((file) => /\.(ts|mjs)$/.test(file) && !others.test(file));
  const short = real.filter((file) => deadlinesOf(readFileSync(path.join(root, file), 'utf8')).some(isShort));
  assert.deepEqual(short.sort(), Object.values(SHORT).flat().sort());
});

test('the deadlines that are looked for are found', () => {
  const source = [
    'execFile(program, args, { timeout: 20_000 });',
    'const found = withinMs ?? 30_000;',
    'function f(timeoutMs = 4_000) {}',
    'fetch(url, { signal: AbortSignal.timeout(3000) });',
    'const deadline = Date.now() + 5000;',
    'const PATIENCE_MS = 7000;',
    'for (let tries = 0; tries < 100; tries += 1) await sleep(50);',
  ];
  assert.deepEqual(source.flatMap(deadlinesOf), [20_000, 30_000, 4000, 3000, 5000, 7000, 100]);
  assert.ok(SAFETY_NET_MS >= AT_LEAST_MS);
});

test('a wait ends when what it waits for is there, and fails when that fails', async () => {
  let asked = 0;
  assert.equal(await eventually('the third answer', async () => ++asked === 3 && 'third'), 'third');
  await assert.rejects(
    eventually('a failure', async () => Promise.reject(new Error('broken'))),
    { message: 'broken' },
  );
  assert.equal(await inTime(Promise.resolve('done'), 'the end'), 'done');
  await assert.rejects(inTime(Promise.reject(new Error('broken')), 'the end'), { message: 'broken' });
});

function deadlinesOf(source: string): number[] {
  return source
    .split('\n')
    .flatMap((line) => DEADLINES.flatMap((pattern) => pattern.exec(line)?.[1] ?? []))
    .map((digits) => Number(digits.replaceAll('_', '')));
}

function isShort(ms: number): boolean {
  return ms > 0 && ms < AT_LEAST_MS;
}
