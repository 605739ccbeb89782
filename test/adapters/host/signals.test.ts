import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { folderOf } from '../build/files.ts';

const SIGNALS = new URL('../../../src/adapters/host/signals.ts', import.meta.url).href;

// A thread that hangs in the kernel, and an event loop too busy for listeners.
const HANGING = `
import { open } from 'node:fs';
import { onFirstSignal } from '${SIGNALS}';
open(process.argv[1], 'r', () => {});
onFirstSignal(process, () => {
  console.log('first');
  setTimeout(() => { for (;;); }, 50);
}, () => {});
setInterval(() => {}, 1000);
console.log('ready');
`;

for (const [first, second] of [
  ['SIGINT', 'SIGINT'],
  ['SIGTERM', 'SIGINT'],
  ['SIGINT', 'SIGTERM'],
] as const)
  test(`after ${first}, ${second} ends the process whatever hangs`, async (t) => {
    const pipe = path.join(folderOf(t, {}), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', HANGING, pipe], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    const said: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      said.push(line);
      child.kill(line === 'ready' ? first : second);
    }
    assert.deepEqual(await ended, [null, second]);
    assert.deepEqual(said, ['ready', 'first']);
  });
