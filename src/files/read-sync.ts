import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { MOST_BYTES, mustFit, ONLY_NAME, READ, tooLarge } from './fit.ts';

/** As `readText`, where the answer is needed at once; nothing limits the time. */
export function readTextSync(file: string, bytes = MOST_BYTES): string {
  if (ONLY_NAME === undefined) {
    mustFit(statSync(file), bytes);
    return openedSync(file, bytes);
  }
  const named = openSync(file, ONLY_NAME);
  try {
    mustFit(fstatSync(named), bytes);
    return openedSync(`/proc/self/fd/${named}`, bytes);
  } finally {
    closeSync(named);
  }
}

function openedSync(file: string, bytes: number): string {
  const fd = openSync(file, READ);
  try {
    mustFit(fstatSync(fd), bytes);
    return readAllSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

const CHUNK = 64 * 1024;

function readAllSync(fd: number, bytes: number): string {
  const chunks: Buffer[] = [];
  for (let size = 0; size <= bytes; ) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const count = readSync(fd, chunk);
    if (count === 0) return Buffer.concat(chunks).toString('utf8');
    size += count;
    chunks.push(chunk.subarray(0, count));
  }
  throw tooLarge(bytes);
}
